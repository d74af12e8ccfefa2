package peer

import (
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// keeping is a connection that is kept up after it was measured (protocol.Start.HoldMs).
type keeping struct {
	up         bool // it was connected once
	restarting bool
	restarted  time.Time
}

// minRestart bounds how often a server may ask for an ICE restart: each gathers anew.
const minRestart = time.Second

// keepUp restarts ICE where a connection that was up is down, again and again until it is back. The offerer does it; the other end answers.
func (t *trial) keepUp() {
	if t.pc == nil || t.start.HoldMs <= 0 {
		return
	}
	k := &t.keeping
	switch t.pc.ICEConnectionState() {
	case webrtc.ICEConnectionStateConnected, webrtc.ICEConnectionStateCompleted:
		k.up = true
		if k.restarting {
			k.restarting = false
			t.state("restart", "connected")
		}
	case webrtc.ICEConnectionStateDisconnected, webrtc.ICEConnectionStateFailed, webrtc.ICEConnectionStateChecking:
		every := max(time.Duration(t.start.RestartMs)*time.Millisecond, minRestart)
		// An answer that is still out will come: the signaling keeps it. A second offer before it would be an error.
		if k.up && t.start.Role == protocol.RoleOfferer && time.Since(k.restarted) >= every && t.pc.SignalingState() == webrtc.SignalingStateStable {
			k.restarting, k.restarted = true, time.Now()
			t.state("restart", "begun")
			if err := t.restart(); err != nil {
				t.log.Warn("restarting ICE", "error", err)
				t.send(protocol.ClientMessage{Type: protocol.ClientTrialError, TrialError: &protocol.TrialError{Trial: t.start.Trial, Step: "offer", Error: err.Error()}})
			}
		}
	}
}

// restart offers new credentials, and so new candidates, for the connection that there is (RFC 8445 section 2.4).
func (t *trial) restart() error {
	t.gather.restart()
	offer, err := t.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return err
	}
	t.describe(offer)
	return t.pc.SetLocalDescription(offer)
}
