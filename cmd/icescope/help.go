package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

const examples = `icescope finds out why WebRTC does not connect inside a closed network.

    icescope serve                                    run it on a machine that both ends can reach
    icescope serve --advertise 192.0.2.10             when clients reach it by another address than its own
    icescope peer http://192.0.2.10:8080/r/bodu-kafi  be the other end, without a browser
    icescope diagnose recording.jsonl                 read a recording again, anywhere; give two to compare them
    icescope nat 192.0.2.10                           who may call this machine? its NAT, step by step with --explain`

// What a script may rely on.
const (
	exitCodes    = "\nExit codes: 0 done, 1 it could not be done, 2 wrong usage.\n"
	verdictCodes = "The verdict of %s, what the pair needs: 0 nothing, 10 STUN, 11 TURN over UDP,\n12 TURN over TCP, 13 unreachable, 14 undetermined.\n"
)

// help shows five real commands before the options.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() == nil {
		if _, err := fmt.Fprint(ctx.Stdout, examples, "\n\n"); err != nil {
			return err
		}
	}
	options.Compact = true
	options.WrapUpperBound = 110
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprint(ctx.Stdout, exitCodes)
	switch selected := ctx.Selected(); {
	case err != nil:
	case selected == nil:
		if _, err = fmt.Fprintf(ctx.Stdout, verdictCodes, "peer and diagnose"); err == nil {
			_, err = fmt.Fprint(ctx.Stdout, natCodes)
		}
	case selected.Name == "nat":
		_, err = fmt.Fprint(ctx.Stdout, natCodes)
	case selected.Name == "peer" || selected.Name == "diagnose":
		_, err = fmt.Fprintf(ctx.Stdout, verdictCodes, selected.Name)
	}
	return err
}
