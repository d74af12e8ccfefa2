package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// prefix begins the name of everything that the lab makes; the pid after it tells leftovers of dead processes from a lab that is alive.
const prefix = "ics-"

// netnsDir is where `ip netns` keeps its handles.
const netnsDir = "/run/netns"

// InNamespace runs f on a thread of its own inside the named network namespace. Sockets that f makes stay in there for good.
// The thread is never unlocked: it ends with f, so that no other goroutine ever runs in the wrong network.
func InNamespace(ns string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The main thread never ends, and would leave the whole process in that namespace as far as /proc can tell. Hold it, take another.
			done <- InNamespace(ns, f)
			runtime.UnlockOSThread()
			return
		}
		done <- func() error {
			h, err := os.Open(filepath.Join(netnsDir, ns))
			if err != nil {
				return err
			}
			defer h.Close()
			if err := unix.Setns(int(h.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter namespace %s: %w", ns, err)
			}
			return f()
		}()
	}()
	return <-done
}

// NetnsDial dials from inside a namespace. Literal addresses only: the resolver would look names up on other threads.
func NetnsDial(ns string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (c net.Conn, err error) {
		err = InNamespace(ns, func() error {
			var e error
			c, e = new(net.Dialer).DialContext(ctx, network, address)
			return e
		})
		return c, err
	}
}

// HTTPClient speaks HTTP from inside a namespace. It keeps no connection: a kept one would hold the namespace open after the lab is gone.
func HTTPClient(ns string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: NetnsDial(ns), DisableKeepAlives: true}}
}

// Command is a command inside a namespace (none: where we are ourselves), in a process group of its own so that Stop reaches all its children.
func Command(ns, name string, args ...string) *exec.Cmd {
	c := exec.Command("ip", append([]string{"netns", "exec", ns, name}, args...)...)
	if ns == "" {
		c = exec.Command(name, args...)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

// Stop kills the process group of a started Command and waits for it.
func Stop(c *exec.Cmd) {
	if c.Process == nil {
		return
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	_ = c.Wait()
}

// run starts a program with text on its standard input. What it complained about becomes the error.
func run(stdin string, name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s\n%s", name, strings.Join(args, " "), err, out, stdin)
	}
	return nil
}

// CleanLeftovers removes the namespaces, their processes and the directories of labs whose process is dead.
func CleanLeftovers() error {
	var errs []error
	namespaces, _ := filepath.Glob(filepath.Join(netnsDir, prefix+"*"))
	for _, path := range namespaces {
		if name := filepath.Base(path); ownerIsDead(name) {
			errs = append(errs, removeNamespace(name))
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range dirs {
		if ownerIsDead(filepath.Base(dir)) {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

func ownerIsDead(name string) bool {
	pid, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "-")
	n, err := strconv.Atoi(pid)
	return err == nil && n > 0 && errors.Is(syscall.Kill(n, 0), syscall.ESRCH)
}

// removeNamespace ends what runs inside a namespace of ours, and removes it.
func removeNamespace(name string) error {
	out, err := exec.Command("ip", "netns", "pids", name).Output()
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("ip netns pids %s: %w", name, err)
	}
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return run("", "ip", "netns", "del", name)
}

// tempDir makes a directory that CleanLeftovers finds after a crash.
func tempDir(what string) (string, error) {
	return os.MkdirTemp("", fmt.Sprintf("%s%d-%s-", prefix, os.Getpid(), what))
}
