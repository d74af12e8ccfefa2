package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthTimeout is under the time-out of the Dockerfile's HEALTHCHECK, so that the reason is heard.
const healthTimeout = 2 * time.Second

type healthCommand struct {
	URL  string `help:"The server to ask." default:"http://127.0.0.1:8080"`
	JSON bool   `help:"Answer in JSON."`
}

// Run asks /healthz. It takes any certificate: the question is whether the server lives, and nothing secret is sent.
func (c *healthCommand) Run(ctx context.Context, t *terminal) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	err := ask(ctx, c.URL+"/healthz")
	if c.JSON {
		answer := map[string]any{"url": c.URL, "healthy": err == nil}
		if err != nil {
			answer["error"] = err.Error()
		}
		if err := t.printJSON(answer); err != nil {
			return err
		}
	}
	if err != nil {
		return withHint(err, "is icescope serve running, and is --url where it listens?")
	}
	if !c.JSON {
		t.say("%s is well", c.URL)
	}
	return nil
}

func ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		Proxy:           nil, // the server is next door
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 4<<10)); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return nil
}
