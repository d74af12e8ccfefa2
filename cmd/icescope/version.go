package main

import (
	"fmt"
	"runtime"
)

type versionCommand struct {
	JSON bool `help:"Answer in JSON."`
}

func (c *versionCommand) Run(t *terminal) error {
	if c.JSON {
		return t.printJSON(map[string]string{"name": "icescope", "version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	}
	_, err := fmt.Fprintf(t.stdout, "icescope %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
