package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// process is a scenario's program while it runs.
type process struct {
	cmd   *exec.Cmd
	dir   string
	ended chan struct{} // closed when it has ended
	err   error         // what it ended with
}

// outputName is where a program's output is kept, in its directory.
const outputName = "output.txt"

// own as a Process's program is the icescope binary that is tested.
const own = "icescope"

// begin starts the scenario's programs one after another, each when the one before is ready.
func (b *Bench) begin(ctx context.Context, binary string) error {
	for _, spec := range b.Scenario.Processes {
		p, err := start(b.Lab.NS(spec.Node), spec, binary)
		if p != nil {
			b.processes = append(b.processes, p)
		}
		if err == nil && spec.Ready != "" {
			err = p.ready(ctx, b.Lab.NS(spec.Node), spec.Ready)
		}
		if err != nil {
			return fmt.Errorf("%s on %s: %w", spec.Command[0], spec.Node, err)
		}
	}
	return nil
}

func start(ns string, spec Process, binary string) (*process, error) {
	dir, err := tempDir("process")
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir, ended: make(chan struct{})}
	for name, content := range spec.Files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			close(p.ended)
			return p, err
		}
	}
	output, err := os.Create(filepath.Join(dir, outputName))
	if err != nil {
		close(p.ended)
		return p, err
	}
	defer output.Close() // the program has its own
	command := slices.Clone(spec.Command)
	if command[0] == own {
		command[0] = binary
	}
	p.cmd = Command(ns, command[0], command[1:]...)
	p.cmd.Dir, p.cmd.Env = dir, environment(dir)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	if err := p.cmd.Start(); err != nil {
		close(p.ended)
		return p, err
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// ready returns when something listens at "udp/PORT" or "tcp/PORT". The kernel is asked, and not the program: a datagram would be the first thing that it sees.
func (p *process) ready(ctx context.Context, ns, at string) error {
	network, port, ok := strings.Cut(at, "/")
	flag := map[string]string{"udp": "-u", "tcp": "-t"}[network]
	if _, err := net.LookupPort(network, port); !ok || flag == "" || err != nil {
		return fmt.Errorf("ready at %q: it wants udp/PORT or tcp/PORT", at)
	}
	err := until(ctx, func() (bool, error) {
		select {
		case <-p.ended:
			return false, fmt.Errorf("it ended before it listened at %s: %w: %s", at, p.err, p.output())
		default:
		}
		out, err := exec.Command("ip", "netns", "exec", ns, "ss", "-Hln", flag, "sport", "=", ":"+port).Output()
		return len(out) > 0, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("nothing listens at %s: %w: %s", at, err, p.output())
	}
	return err
}

func (p *process) output() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, outputName)) // where there is none it is empty
	return string(text)
}

// stop kills the program with its children, and waits.
func (p *process) stop() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	}
	<-p.ended
	os.RemoveAll(p.dir)
}
