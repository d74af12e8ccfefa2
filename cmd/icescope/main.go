// Command icescope finds out why WebRTC does not connect inside a closed network. This package turns flags into configs, signals into contexts and
// results into exit codes; each subcommand is one file. What the subcommands do stands in the rooms below.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker (make build).
var version = "devel"

type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run the server: the page, signaling and STUN in one process."`
	NAT      natCommand      `cmd:"" name:"nat" help:"Find out who may call this machine: its NAT, in the words of RFC 4787."`
	Peer     peerCommand     `cmd:"" help:"Join a room from a machine without a browser."`
	Diagnose diagnoseCommand `cmd:"" help:"Read a recording and say what it shows; needs no network."`
	Health   healthCommand   `cmd:"" help:"Ask a running server whether it is well (for Docker's HEALTHCHECK)."`
	Version  versionCommand  `cmd:"" help:"Say which version this is."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its surroundings handed in. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit := -1 // kong calls Exit for --help, and goes on
	parser := kong.Must(&commands{}, kong.Name("icescope"), kong.Writers(stdout, stderr), kong.Help(help),
		kong.Exit(func(code int) { exit = code }))
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	switch {
	case exit >= 0:
		return exit
	case err != nil:
		complain(stderr, withHint(err, "icescope --help shows what there is"))
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(&terminal{stdout: stdout, stderr: stderr})
	if verdict, ok := errors.AsType[exitCode](err); ok {
		return int(verdict)
	} else if err != nil {
		complain(stderr, err)
		return exitError
	}
	return exitOK
}
