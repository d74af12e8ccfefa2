package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

const examples = `icescope finds out why WebRTC does not connect inside a closed network.

    icescope serve                                    run it on a machine that both ends can reach
    icescope serve --advertise 192.0.2.10             when clients reach it by another address than its own
    icescope peer http://192.0.2.10:8080/r/bodu-kafi  be the other end, without a browser
    icescope diagnose recording.jsonl                 read a recording again, anywhere
    icescope diagnose --json recording.jsonl          the same for a program
`

// exitCodes is what a script may rely on.
const exitCodes = `
Exit codes: 0 done, 1 it could not be done, 2 wrong usage. peer and diagnose answer with the verdict, what the pair needs:
0 nothing, 10 STUN, 11 TURN over UDP, 12 TURN over TCP, 13 unreachable, 14 undetermined.
`

// help shows five real commands before the options.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() == nil {
		if _, err := fmt.Fprintln(ctx.Stdout, examples); err != nil {
			return err
		}
	}
	options.Compact = true
	options.WrapUpperBound = 110
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprint(ctx.Stdout, exitCodes)
	return err
}
