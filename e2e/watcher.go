package e2e

import (
	"context"
	"fmt"
)

// streamClock counts what the room's WebSocket brings to the page: the recording as it grows, and snapshots, of which each takes the place of the one before.
const streamClock = `
window.labStream = { events: 0, eventBytes: 0, snapshots: 0, snapshotBytes: 0, largest: 0 };
window.WebSocket = class extends WebSocket {
	constructor(...a) {
		super(...a);
		this.addEventListener("message", ({ data }) => {
			const head = data.slice(0, 60);
			if (head.includes('"type":"events"')) { labStream.events++; labStream.eventBytes += data.length; }
			if (head.includes('"type":"snapshot"')) { labStream.snapshots++; labStream.snapshotBytes += data.length; labStream.largest = Math.max(labStream.largest, data.length); }
		});
	}
};`

// streamed is what came; the bytes are characters, which are the same here.
type streamed struct {
	Events, EventBytes, Snapshots, SnapshotBytes, Largest int
}

// walk goes to the next part of the page every so many ms, as a reader does who wants to see it all; where: the part that is in sight. All that can be opened is opened.
const walk = `(() => {
	const walk = globalThis.labWalk ??= { next: 0, where: "" };
	walk.open = () => document.querySelectorAll("main details:not([open])").forEach(d => d.open = true);
	walk.step = () => {
		const parts = document.querySelectorAll("main section[id]");
		const part = parts[walk.next++ % parts.length];
		walk.where = part?.id ?? "";
		part?.scrollIntoView({ block: "start", behavior: "instant" });
		return parts.length;
	};
	walk.stop = () => { clearInterval(walk.timer); walk.next = 0; scrollTo({ top: 0, behavior: "instant" }) };
	walk.start = ms => { walk.stop(); walk.timer = setInterval(walk.step, ms) };
	return true;
})()`

// walkOnce sees every part once, so that what is fetched when the reader comes near is there before anything is measured.
const walkOnce = `(async () => {
	labWalk.open();
	const parts = labWalk.step();
	for (let i = 0; i <= parts; i++) { await new Promise(done => setTimeout(done, 250)); labWalk.step() }
	labWalk.open();
	labWalk.stop();
})()`

// watch opens a room that both ends are in as a watcher, with all of its parts loaded and open.
func (h *loopback) watch(ctx context.Context, code string, flags ...string) (_ *chromium, err error) {
	c, err := h.page(ctx, streamClock, flags...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w; console %q", err, c.Log())
			c.Close()
		}
	}()
	if err := c.Open(ctx, h.base+"/r/"+code+"?lang=en"); err != nil {
		return nil, err
	}
	if err := WaitFor(ctx, c, `document.querySelector("[data-testid=watch]").click() || true`); err != nil {
		return nil, err
	}
	if err := WaitFor(ctx, c, `document.querySelector("main section#pairs") !== null`); err != nil {
		return nil, err
	}
	for _, script := range []string{walk, walkOnce} {
		if err := c.Eval(ctx, script, nil); err != nil {
			return nil, err
		}
	}
	return c, nil
}
