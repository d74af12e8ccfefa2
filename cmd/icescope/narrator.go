package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/icescope/icescope/protocol"
)

// narrator says what changes in a room, a line for each change: plain text, so that a log of a CI job reads like the terminal.
type narrator struct {
	say      func(format string, args ...any)
	me       string
	online   map[string]bool
	outcomes map[string]protocol.Outcome // by trial, "" while it runs
	verdict  string
}

func (n *narrator) joined(w protocol.Welcome) {
	n.me = w.Peer
	n.say("joined room %s as %s; waiting for the other end", w.Room, w.Peer)
}

func (n *narrator) progress(r protocol.Report) {
	online := map[string]bool{}
	for _, p := range r.Peers {
		online[p.ID] = p.Online
		switch was := n.online[p.ID]; {
		case p.ID == n.me || was == p.Online:
		case p.Online:
			n.say("%s is here: %s", p.ID, describe(p))
		default:
			n.say("%s has left", p.ID)
		}
	}
	n.online = online
	n.trials("", r.Trials)
	for _, b := range r.Beside {
		n.trials(fmt.Sprintf(", %s beside %s", b.Peer, b.Beside), b.Trials)
	}
	if line := plain(r.Verdict.Summary); line != n.verdict {
		n.verdict = line
		n.say("%s", line)
	}
}

// trials says which have begun and which have ended.
func (n *narrator) trials(where string, trials []protocol.TrialReport) {
	for _, t := range trials {
		key := string(t.ID) + where
		was, known := n.outcomes[key]
		n.outcomes[key] = t.Outcome
		switch {
		case known && was == t.Outcome:
		case t.Outcome == "":
			n.say("trial %s%s has begun", t.ID, where)
		case t.ReasonText != "":
			n.say("trial %s%s: %s (%s)", t.ID, where, t.Outcome, t.ReasonText)
		default:
			n.say("trial %s%s: %s (%s)", t.ID, where, t.Outcome, t.Reason)
		}
	}
}

// describe is what a peer is called and what it is.
func describe(p protocol.PeerReport) string {
	words := p.Browser
	if words == "" {
		words = string(p.Kind)
	}
	if p.Label != "" {
		words = p.Label + ", " + words
	}
	return plain(words)
}

// plain is without control characters: names come from the other end, and nothing of them may move the terminal's cursor.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}
