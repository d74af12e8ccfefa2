package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// The moments of a play that a Step may follow.
const (
	WhenJoined  = "joined"
	WhenSettled = "settled"
	WhenHeld    = "held"
)

// The clocks of what comes after the first run.
const (
	// experimentDeadline is for the experiments that the session runs by itself: a few runs of one or two trials, one after another.
	experimentDeadline = 90 * time.Second
	// holdGrace is what a held run takes beside the holding: to connect and measure before, and to notice and come back after.
	holdGrace = 60 * time.Second
	// revealDeadline is for the page's gathering with the permission and the run that follows.
	revealDeadline = 75 * time.Second
	// buttonDeadline is for a button that depends on nothing but the report that is there already.
	buttonDeadline = 20 * time.Second
	// besideDeadline is for the trials of one more peer, its start among it.
	besideDeadline = 75 * time.Second
)

// steps changes the network as the scenario says, from that moment on.
func (b *Bench) steps(ctx context.Context, when string) error {
	moment := time.Now()
	for _, s := range b.Scenario.Steps {
		if s.When != when {
			continue
		}
		select {
		case <-time.After(time.Until(moment.Add(s.After))):
		case <-ctx.Done():
			return ctx.Err()
		}
		if s.Nft != "" {
			if err := run(s.Nft, "ip", "netns", "exec", b.Lab.NS(s.Node), "nft", "-f", "-"); err != nil {
				return fmt.Errorf("%s on %s: %w", when, s.Node, err)
			}
		}
		if err := ipBatch(b.Lab.NS(s.Node), s.IP); err != nil {
			return fmt.Errorf("%s on %s: %w", when, s.Node, err)
		}
	}
	return nil
}

// whenJoined takes the steps that follow both ends' coming. What became of it comes over the channel when they are done, or stopped was called.
func (b *Bench) whenJoined(ctx context.Context) (done <-chan error, stopped context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	result := make(chan error, 1)
	if !slices.ContainsFunc(b.Scenario.Steps, func(s Step) bool { return s.When == WhenJoined }) {
		result <- nil
		return result, cancel
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, err := b.wait(ctx, func(r protocol.Report) bool { return len(r.Peers) >= 2 })
		if err == nil {
			err = b.steps(ctx, WhenJoined)
		}
		result <- err
	}()
	return result, func() {
		cancel()
		<-ended
	}
}

// changes tells whether the course of the scenario goes on after the first run, so that a verdict may become another.
func (s Scenario) changes() bool {
	return len(s.Steps) > 0 || s.Hold > 0 || s.Reveal != [2]bool{} || len(s.Beside) > 0
}

// quiet: the verdict is final, and no trial is out any more.
func quiet(r protocol.Report) bool { return r.Verdict.Final && len(r.Verdict.Pending) == 0 }

// calm: and the session has run what it runs by itself.
func calm(r protocol.Report) bool {
	return quiet(r) && !slices.ContainsFunc(r.Experiments, func(x protocol.ExperimentReport) bool {
		return x.State == "running" || x.State == "proposed" && x.By == "session"
	})
}

// bounded is wait with a clock of its own.
func (b *Bench) bounded(ctx context.Context, patience time.Duration, wanted func(protocol.Report) bool) (protocol.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.wait(ctx, wanted)
}

// calmDown returns when the session's own experiments are over, or have had their time: what they said, or did not, is for Judge.
func (b *Bench) calmDown(ctx context.Context) error {
	_, _ = b.bounded(ctx, experimentDeadline, calm)
	return ctx.Err()
}

// goOn does what the scenario has after its first run, one thing after another.
func (b *Bench) goOn(ctx context.Context, ends [2]*end, binary string) error {
	if err := b.steps(ctx, WhenSettled); err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return b.custom(ctx, ends) },
		func() error { return b.reveal(ctx, ends) },
		func() error { return b.besides(ctx, ends, binary) },
		func() error { return b.hold(ctx, ends) },
	} {
		if err := b.calmDown(ctx); err != nil {
			return err
		}
		if err := part(); err != nil {
			return err
		}
	}
	return b.calmDown(ctx)
}

// speak sends a run through a page's own WebSocket, as a person's click would.
func speak(ctx context.Context, ends [2]*end, r protocol.Run) error {
	frame, err := json.Marshal(protocol.ClientMessage{Type: protocol.ClientRun, Run: &r})
	if err != nil {
		return err
	}
	for _, e := range ends {
		if e.browser != nil {
			return e.browser.Eval(ctx, "void labSocket.send("+quote(string(frame))+")", nil)
		}
	}
	return fmt.Errorf("a run of %v needs a browser at one end", r.Trials)
}

// custom runs the pasted servers.
func (b *Bench) custom(ctx context.Context, ends [2]*end) error {
	s := b.Scenario
	if s.ICEServers == "" {
		return nil
	}
	if err := speak(ctx, ends, protocol.Run{Trials: []protocol.TrialKind{protocol.TrialCustom}, ICEServers: json.RawMessage(s.ICEServers)}); err != nil {
		return err
	}
	_, _ = b.bounded(ctx, customDeadline, func(r protocol.Report) bool {
		tried := slices.ContainsFunc(r.Trials, func(t protocol.TrialReport) bool { return t.Kind == protocol.TrialCustom && t.Outcome != "" })
		return tried && quiet(r) && len(Missing(s.Expect.Must, r)) == 0
	})
	return ctx.Err()
}

// revealButton asks for the camera, gathers again and runs again; takeCamera is what comes before the run.
const (
	revealButton = `document.querySelector("[data-testid=reveal]")`
	takeCamera   = `navigator.mediaDevices.getUserMedia({ video: true }).then(stream => void (window.labCamera = stream))`
)

// reveal lets the pages show their addresses.
func (b *Bench) reveal(ctx context.Context, ends [2]*end) error {
	if b.Scenario.Reveal == [2]bool{} {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, revealDeadline)
	defer cancel()
	before, err := b.Report(ctx)
	if err != nil {
		return err
	}
	asked := false
	for i, e := range ends {
		if e.browser == nil || !b.Scenario.Reveal[i] {
			continue
		}
		asked = true
		if err := e.browser.Permit(ctx); err != nil {
			return err
		}
		looking, cancel := context.WithTimeout(ctx, buttonDeadline)
		err := WaitFor(looking, e.browser, revealButton)
		cancel()
		if err == nil {
			err = e.browser.Eval(ctx, revealButton+".click()", nil)
		} else {
			// The page offers it where it sees masked addresses, and there are others that a permission brings back: then the same is done by hand.
			err = e.browser.Eval(ctx, takeCamera, nil)
			if err == nil {
				err = speak(ctx, [2]*end{e, e}, protocol.Run{})
			}
		}
		if err != nil {
			return fmt.Errorf("%s's page cannot show its addresses: %w", e.name, err)
		}
	}
	if !asked {
		return nil // a headless peer hides nothing
	}
	// Each click has a run of its own, and the last one is that of all; whether an end is still masked then is for Judge.
	_, err = b.wait(ctx, func(r protocol.Report) bool {
		shown := true
		for i, e := range ends {
			if e.browser != nil && b.Scenario.Reveal[i] && i < len(r.Peers) {
				shown = shown && (r.Peers[i].Masked == nil || !*r.Peers[i].Masked) // a policy may leave nothing to show
			}
		}
		return shown && r.Run > before.Run && quiet(r)
	})
	if err != nil {
		return fmt.Errorf("the pages never showed their addresses: %w", err)
	}
	return nil
}

// besides starts a headless peer on the machines of these ends, and returns when its trials are over.
func (b *Bench) besides(ctx context.Context, ends [2]*end, binary string) error {
	if len(b.Scenario.Beside) == 0 {
		return nil
	}
	before, err := b.Report(ctx)
	if err != nil {
		return err
	}
	hosts := map[string]bool{}
	for _, name := range b.Scenario.Beside {
		i := slices.IndexFunc(ends[:], func(e *end) bool { return e.name == name })
		if i < 0 || i >= len(before.Peers) {
			return fmt.Errorf("there is no end %q to stand beside", name)
		}
		if ends[i].kind == Headless {
			continue // it is what would have come
		}
		id := before.Peers[i].ID
		c := &end{name: name + ".beside", node: ends[i].node, kind: Headless, side: ends[i].side}
		c.side.PeerFlags = append([]string{"--beside", id}, c.side.PeerFlags...)
		if err := c.open(ctx, b, binary); err != nil {
			return err
		}
		b.companions = append(b.companions, c)
		hosts[id] = true
	}
	last, err := b.bounded(ctx, besideDeadline, func(r protocol.Report) bool {
		over := 0
		for _, x := range r.Beside {
			ended := !slices.ContainsFunc(x.Trials, func(t protocol.TrialReport) bool { return t.Outcome == "" })
			if hosts[x.Beside] && len(x.Trials) > 0 && ended {
				over++
			}
		}
		return over == len(hosts)
	})
	if err != nil {
		return fmt.Errorf("not every peer beside another has ended its trials, of %d: %w", len(last.Beside), err)
	}
	return nil
}

// hold asks for a run that is kept up, takes the steps that belong to it, and returns when it is over.
func (b *Bench) hold(ctx context.Context, ends [2]*end) error {
	s := b.Scenario
	if s.Hold == 0 {
		return nil
	}
	trials := s.Trials
	if len(trials) == 0 {
		trials = []protocol.TrialKind{protocol.TrialSTUN}
	}
	err := speak(ctx, ends, protocol.Run{Trials: trials, Experiment: protocol.ExperimentHold, HoldMs: int(s.Hold.Milliseconds())})
	if err != nil {
		return err
	}
	held := func(r protocol.Report) (out []protocol.TrialReport) {
		for _, x := range r.Experiments {
			if x.Kind == protocol.ExperimentHold && x.State != "proposed" {
				out = append(out, x.Trials...)
			}
		}
		return out
	}
	over := func(r protocol.Report) bool {
		t := held(r)
		return len(t) > 0 && !slices.ContainsFunc(t, func(t protocol.TrialReport) bool { return t.Outcome == "" })
	}
	measured := func(r protocol.Report) bool {
		t := held(r)
		return len(t) > 0 && !slices.ContainsFunc(t, func(t protocol.TrialReport) bool { return t.Step != "done" && (t.Hold == nil || t.Hold.HeldMs == 0) })
	}
	r, err := b.bounded(ctx, holdGrace, func(r protocol.Report) bool { return over(r) || measured(r) })
	if err != nil {
		return fmt.Errorf("the held trials never came up: %w", err)
	}
	if over(r) && slices.ContainsFunc(s.Steps, func(s Step) bool { return s.When == WhenHeld }) {
		return fmt.Errorf("the held trials ended before anything was done to them: %s", outcomes(held(r)))
	}
	if err := b.steps(ctx, WhenHeld); err != nil {
		return err
	}
	if r, err = b.bounded(ctx, s.Hold+holdGrace, over); err != nil {
		return fmt.Errorf("the held trials never ended: %s: %w", outcomes(held(r)), err)
	}
	return nil
}

func outcomes(trials []protocol.TrialReport) string {
	var out []string
	for _, t := range trials {
		out = append(out, fmt.Sprintf("%s %s (%s)", t.Kind, t.Outcome, t.Reason))
	}
	return strings.Join(out, ", ")
}

// programs hands over what the scenario's programs and its further peers have said.
func (b *Bench) programs() map[string]string {
	out := map[string]string{}
	for i, p := range b.processes {
		out[fmt.Sprintf("process.%d.%s.txt", i+1, programName(p.cmd))] = p.output()
	}
	for _, c := range b.companions {
		out["console."+c.name+".txt"] = c.output.String()
	}
	return out
}

// programName of a Command: ip netns exec NAMESPACE program.
func programName(c *exec.Cmd) string {
	if c == nil {
		return "none"
	}
	name := c.Args[slices.Index(c.Args, "exec")+2]
	return name[strings.LastIndexByte(name, '/')+1:]
}
