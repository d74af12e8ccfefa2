package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icescope/icescope/e2e"
)

// chosen are the NATs with those names, or all that are offered.
func chosen(names string, all []e2e.NAT) ([]e2e.NAT, error) {
	if names == "" {
		return all, nil
	}
	var out []e2e.NAT
	for name := range strings.SplitSeq(names, ",") {
		n, ok := e2e.FindNAT(name)
		if !ok {
			var known []string
			for _, n := range e2e.NATs {
				known = append(known, n.Name)
			}
			return nil, fmt.Errorf("there is no NAT %q; there are %s", name, strings.Join(known, ", "))
		}
		out = append(out, n)
	}
	return out, nil
}

// classify lets each client say what each NAT does. A wrong answer of our own is an error.
func classify(ctx context.Context, names, clientNames string, runs int, out string) error {
	nats, err := chosen(names, e2e.NATs)
	if err != nil {
		return err
	}
	clients := e2e.Clients
	if clientNames != "" {
		clients = nil
		for name := range strings.SplitSeq(clientNames, ",") {
			if !slices.Contains(e2e.Clients, e2e.Client(name)) {
				return fmt.Errorf("there is no client %q; there are %v", name, e2e.Clients)
			}
			clients = append(clients, e2e.Client(name))
		}
	}
	for _, c := range clients {
		if c.Program() == "" {
			continue
		}
		if _, err := exec.LookPath(c.Program()); err != nil {
			return fmt.Errorf("the client %s needs %s; make packages names Debian's packages: %w", c, c.Program(), err)
		}
	}
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	tools, err := os.MkdirTemp("", fmt.Sprintf("ics-%d-tools-", os.Getpid()))
	if err != nil {
		return err
	}
	defer os.RemoveAll(tools)
	var all []e2e.NATAnswers
	bad := 0
	err = e2e.AskAll(ctx, nats, clients, runs, binary, tools, func(answers []e2e.NATAnswers) {
		line := fmt.Sprintf("%-16s", answers[0].NAT.Name)
		for _, r := range answers {
			wrong := r.Bad()
			if len(wrong) == 0 {
				wrong = []string{"right"}
			} else if slices.Contains(e2e.OwnClients, r.Client) {
				bad++
			}
			line += fmt.Sprintf(" %s: %s", r.Client, strings.Join(wrong, " | "))
		}
		fmt.Fprintln(os.Stderr, line)
		all = append(all, answers...)
	})
	if err != nil {
		return err
	}
	if err := publish(out, "nat-lab", e2e.NATTable(all, runs)); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d times a client of ours was not right about a NAT", bad)
	}
	return nil
}

// meet plays the grid. A contradiction is an error.
func meet(ctx context.Context, names, out string) error {
	nats, err := chosen(names, e2e.GridNATs())
	if err != nil {
		return err
	}
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	var cells []e2e.GridCell
	bad := 0
	err = e2e.Grid(ctx, nats, nats, binary, func(c e2e.GridCell) {
		cells = append(cells, c)
		note := ""
		if c.Contradicts() {
			bad++
			note = fmt.Sprint("  contradiction ", c.Error)
		}
		fmt.Fprintf(os.Stderr, "%-16s %-16s %-12s %.1f s%s\n", c.A.Name, c.B.Name, c, c.Took.Seconds(), note)
	})
	if err != nil {
		return err
	}
	if err := publish(out, "nat-grid", e2e.GridTable(cells)); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d pairs came out otherwise than expected", bad, len(cells))
	}
	return nil
}

// publish prints a table and writes it between its marks into a file.
func publish(path, what, table string) error {
	fmt.Println(table)
	if path == "" {
		return nil
	}
	begin, end := fmt.Sprintf("<!-- %s: make lab-nat -->\n", what), fmt.Sprintf("<!-- end of %s -->\n", what)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		before, after = string(text), ""
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+table+"\n"+end+after), 0o644)
}
