package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/server"
)

// loopback is a server on this machine's loopback, without namespaces and without root: what the page itself costs does not depend on the network.
type loopback struct {
	cmd  *exec.Cmd
	home string
	said bytes.Buffer // its complaints
	base string       // the page's origin
}

// newLoopback starts the server on free ports and reads where it listens. It sends no checks of its own: a crowd's addresses are made up, and may be somebody's.
func newLoopback(binary string) (_ *loopback, err error) {
	h := &loopback{}
	if h.home, err = tempDir("loopback"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	h.cmd = Command("", binary, "serve", "--json", "--no-qr", "--http", "127.0.0.1:0", "--https", "", "--stun", "127.0.0.1:0", "--tls-dir", h.home, "--no-direct-check", "--log-level", "warn")
	h.cmd.Env = environment(h.home)
	h.cmd.Stderr = &h.said
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	var addrs server.Addrs
	if err := json.NewDecoder(out).Decode(&addrs); err != nil {
		Stop(h.cmd) // its complaints are whole then
		return nil, fmt.Errorf("%s serve did not say where it listens: %w: %s", binary, err, h.said.String())
	}
	h.base = "http://" + addrs.HTTP
	return h, nil
}

// room makes a room.
func (h *loopback) room(ctx context.Context) (code string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+"/api/v1/rooms", nil)
	if err != nil {
		return "", err
	}
	var made protocol.RoomCreated
	err = h.ask(request, http.StatusCreated, &made)
	return made.Room, err
}

// report is the room's report as of now.
func (h *loopback) report(ctx context.Context, code string) (r protocol.Report, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+"/api/v1/rooms/"+code+"/report?format=json", nil)
	if err != nil {
		return r, err
	}
	return r, h.ask(request, http.StatusOK, &r)
}

func (h *loopback) ask(request *http.Request, status int, answer any) error {
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != status {
		return fmt.Errorf("%s %s: %s", request.Method, request.URL, got.Status)
	}
	return json.NewDecoder(got.Body).Decode(answer)
}

func (h *loopback) webSocket(code string) string {
	return "ws" + strings.TrimPrefix(h.base, "http") + "/ws?room=" + code
}

func (h *loopback) Close() {
	if h.cmd != nil {
		Stop(h.cmd)
	}
	os.RemoveAll(h.home)
}

// measuredView is the window of the page whose figures are taken.
var measuredView = View{Width: 1440, Height: 900}

// page starts a Chromium with a profile that has seen nothing. The debugging protocol is told no more of its network: each frame of the WebSocket would be
// copied to it on the page's own thread, which is what is measured.
func (h *loopback) page(ctx context.Context, script string, flags ...string) (*chromium, error) {
	browser, err := Start(ctx, Chromium, Options{InitScript: script, ChromiumFlags: flags})
	if err != nil {
		return nil, err
	}
	c, ok := browser.(*chromium)
	if !ok {
		browser.Close()
		return nil, errors.New("only Chromium tells these figures")
	}
	for _, step := range []struct {
		method string
		params any
	}{
		{"Network.disable", nil},
		{"Page.bringToFront", nil},
		{"Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": measuredView.Width, "height": measuredView.Height, "deviceScaleFactor": 1, "mobile": false}},
	} {
		if err := c.call(ctx, step.method, step.params, nil); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}
