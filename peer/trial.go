package peer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// How pion is set, where it would differ from a browser in what a trial proves.
const (
	// iceDisconnected and iceFailed together are how long checks go on without an answer: 15 s, as in Chromium, not pion's 30 s.
	iceDisconnected = 5 * time.Second
	iceFailed       = 10 * time.Second
	// iceKeepalive is pion's own; it also refreshes consent (RFC 7675 section 5.1 asks for one in 5 s).
	iceKeepalive = 2 * time.Second
	// iceMaxChecks is what pion sends on one pair before it gives the pair up. Its 7 are over after 1.4 s, before a slow end has even begun; at one
	// check in 200 ms these last the 15 s.
	iceMaxChecks = 75
	// repeatEvery is between two Binding requests to a silent STUN server (RTO of RFC 8489 section 6.2.1, not doubled: pion listens for 5 s only).
	repeatEvery = 500 * time.Millisecond
	// gatherWithin is pion's own limit for a STUN server's answer, and ours for those that we ask beside it.
	gatherWithin = 5 * time.Second
	// minSample bounds what a server may ask for: getStats locks the ICE agent.
	minSample = 50 * time.Millisecond
)

// trial is one RTCPeerConnection and all that is told of it. One goroutine, run, applies what the server relays, samples, and closes the
// connection; pion's callbacks only send frames, which is safe from anywhere.
type trial struct {
	start   protocol.Start
	config  *Config
	out     func(protocol.ClientMessage)
	log     *slog.Logger
	began   time.Time
	inbox   *queue[protocol.ServerMessage]
	wire    *wire
	gather  *gathering
	passive *passiveTCP // nil: no ICE-TCP
	pc      *webrtc.PeerConnection
	bases   sync.Map // local candidate's netip.AddrPort → port of its UDP socket

	// These belong to run's goroutine.
	remote  credentials // of the other end's newest description
	role    string      // "client" or "server" of DTLS, as the answer says
	keeping keeping
	swept   bool
	dtlsUp  closing // DTLS has connected

	sweeping   atomic.Pointer[sweep] // the sweep of sizes, once it has begun
	videoComes atomic.Bool           // the other end's description says so
	look       chan struct{}         // has a token when a sample is due before its time

	mu       sync.Mutex
	over     bool           // after the last sample nothing is told and nothing begun
	work     sync.WaitGroup // the measuring goroutines; added to under mu
	measured protocol.Measurement
}

// newTrial makes a trial; nothing happens until run.
func newTrial(start protocol.Start, config *Config, out func(protocol.ClientMessage)) *trial {
	t := &trial{
		start: start, config: config, out: out, log: config.Logger.With("trial", string(start.Trial)),
		began: time.Now(), inbox: newQueue[protocol.ServerMessage](), look: make(chan struct{}, 1),
	}
	t.dtlsUp.done = make(chan struct{})
	return t
}

// run is the life of a trial: create the connection, offer or wait for the offer, and then do as told until a stop comes or ctx ends. It returns when
// the connection is closed and all that was started has ended.
func (t *trial) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := t.create(ctx); err != nil {
		t.failed("create", err)
	} else if t.start.Role == protocol.RoleOfferer {
		if err := t.offer(); err != nil {
			t.failed("offer", err)
		}
	}
	t.follow(ctx)

	t.sample()
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	cancel() // the measuring
	if t.pc != nil {
		if err := t.pc.GracefulClose(); err != nil {
			t.log.Debug("closing", "error", err)
		}
	}
	t.passive.close()
	t.work.Wait()
}

// follow does what the server says, and samples in between. It returns at a stop.
func (t *trial) follow(ctx context.Context) {
	sampling := time.NewTicker(max(time.Duration(t.start.SampleMs)*time.Millisecond, minSample))
	defer sampling.Stop()
	repeating := time.NewTicker(repeatEvery)
	defer repeating.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sampling.C:
			t.sample()
			t.keepUp()
		case <-t.look:
			t.sample()
			t.keepUp()
			t.sweepOnce(ctx)
		case <-repeating.C:
			if t.pc != nil && !t.gather.over() {
				t.wire.repeat()
				t.gather.settle()
			}
		case <-t.inbox.ready:
			for _, m := range t.inbox.take() {
				switch {
				case m.Stop != nil:
					return
				case m.Description != nil:
					t.description(m.Ref, m.Description)
				case m.Candidate != nil:
					t.candidate(m.Ref, m.Candidate)
				}
			}
		}
	}
}

// create makes the RTCPeerConnection and hangs the reporting on it.
func (t *trial) create(ctx context.Context) error {
	t.gather = newGathering(t)
	t.wire = watch(t.config.Net, t.gather.settle)
	t.wire.sixOnly = onlyIPv6Relays(t.start.ICEServers)
	engine := webrtc.SettingEngine{LoggerFactory: pionLog{t.log, ""}}
	engine.SetNet(t.wire)
	// Else pion closes everything by itself when the other end says goodbye, and the last sample is lost. The server says when a trial is over.
	engine.DisableCloseByDTLS(true)
	engine.SetIncludeLoopbackCandidate(t.config.IncludeLoopback)
	// With a filter, though it passes all, pion asks the servers from each address apart and not from the unspecified one. As with a browser that may see
	// its addresses, the related address of an srflx candidate then is its base's, which tells a translation from none (RFC 8839 section 5.1). Where only
	// relayed candidates count, an allocation for each address of the machine would be a waste of the server's.
	if !t.start.RelayOnly {
		engine.SetInterfaceFilter(func(string) bool { return true })
		// No browser signals a link-local IPv6 address: it means nothing without its zone (libwebrtc, network.cc; Firefox, ice.link_local).
		engine.SetIPFilter(func(ip net.IP) bool { return ip.To4() != nil || !ip.IsLinkLocalUnicast() })
	}
	engine.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	engine.SetICEMaxBindingRequests(iceMaxChecks)
	engine.SetNetworkTypes(t.networkTypes())
	engine.SetICEProxyDialer(newTURNDialer(ctx, t.wire, t.start.ICEServers, t.config.Insecure && t.start.Trial.Kind() != protocol.TrialCustom))
	if t.start.UfragLength > 0 {
		c := newCredentials(t.start.UfragLength)
		engine.SetICECredentials(c.ufrag, c.pwd)
	}
	if t.config.ICETCP && !t.start.RelayOnly && !t.start.Trial.Kind().Solo() {
		var err error
		if t.passive, err = listenTCP(t.wire, t.start.Family, pionLog{t.log, "tcp"}); err != nil {
			t.log.Warn("no passive ICE-TCP candidates", "error", err)
		} else {
			engine.SetICETCPMux(t.passive.mux)
		}
	}
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return err
	}
	configuration := webrtc.Configuration{ICETransportPolicy: webrtc.ICETransportPolicyAll}
	if t.start.RelayOnly {
		configuration.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	for _, s := range oneSocket(t.start.ICEServers, t.wire) {
		configuration.ICEServers = append(configuration.ICEServers,
			webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(media)).NewPeerConnection(configuration)
	if err != nil {
		return err
	}
	t.pc = pc

	pc.OnICECandidate(t.gather.candidate)
	pc.OnICEGatheringStateChange(func(s webrtc.ICEGatheringState) {
		if s != webrtc.ICEGatheringStateComplete { // that is for gathering.settle to say
			t.state("gathering", s.String())
		}
	})
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) { t.state("ice", s.String()) })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { t.state("connection", s.String()) })
	pc.OnSignalingStateChange(func(s webrtc.SignalingState) { t.state("signaling", s.String()) })
	pc.SCTP().Transport().OnStateChange(func(s webrtc.DTLSTransportState) {
		if s == webrtc.DTLSTransportStateConnected {
			t.dtlsUp.close()
		}
		t.state("dtls", s.String())
	})
	if err := t.measureData(ctx); err != nil {
		return err
	}
	if !t.start.Trial.Kind().Solo() {
		t.measureVideo(ctx)
	}
	return nil
}

// networkTypes are what pion may use. TCP is for candidates that wait for a connection, its own or the other end's; browsers have only the other kind.
func (t *trial) networkTypes() (types []webrtc.NetworkType) {
	tcp := !t.start.RelayOnly
	if t.start.Family != familyIPv6 {
		types = append(types, webrtc.NetworkTypeUDP4)
		if tcp {
			types = append(types, webrtc.NetworkTypeTCP4)
		}
	}
	if t.start.Family == familyIPv6 || t.start.Family == "" && hasIPv6(t.wire) {
		types = append(types, webrtc.NetworkTypeUDP6)
		if tcp {
			types = append(types, webrtc.NetworkTypeTCP6)
		}
	}
	return types
}

// The families of protocol.Start.
const (
	familyIPv4 = "ipv4"
	familyIPv6 = "ipv6"
)

// offer makes and sends the offer. It is sent before it is applied: applying starts the gathering, and no candidate may overtake its description.
func (t *trial) offer() error {
	if !t.start.Trial.Kind().Solo() {
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		if _, err := t.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, init); err != nil {
			return err
		}
	}
	offer, err := t.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	t.describe(offer)
	return t.pc.SetLocalDescription(offer)
}

func (t *trial) describe(d webrtc.SessionDescription) {
	t.noteRole(d.SDP, d.Type == webrtc.SDPTypeAnswer, "client", "server")
	t.send(protocol.ClientMessage{Type: protocol.ClientDescription, Description: &protocol.Description{
		Trial: t.start.Trial, Kind: d.Type.String(), SDP: d.SDP, AtMs: t.atMs(),
	}})
	t.gather.described(credentialsOf(d.SDP).ufrag)
}

// noteRole takes the roles of DTLS from an answer: its a=setup decides (RFC 8842 section 5.3).
func (t *trial) noteRole(sdp string, answer bool, active, passive string) {
	switch setup := attribute(sdp, "setup"); {
	case !answer:
	case setup == "active":
		t.role = active
	case setup == "passive":
		t.role = passive
	}
}

// description applies the other end's offer or answer, says so, and answers an offer.
func (t *trial) description(ref int, d *protocol.Description) {
	if t.pc == nil {
		return
	}
	t.videoComes.Store(sendsVideo(d.SDP))
	t.noteRole(d.SDP, d.Kind == "answer", "server", "client")
	remote := credentialsOf(d.SDP)
	if t.remote.ufrag != "" && t.remote != remote && d.Kind == "offer" { // the other end restarts ICE (RFC 8839 section 4.4.1.1), and so does pion
		t.gather.restart()
	}
	t.remote = remote
	err := t.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.NewSDPType(d.Kind), SDP: d.SDP})
	t.applied(ref, err)
	if err != nil || d.Kind != "offer" {
		return
	}
	answer, err := t.pc.CreateAnswer(nil)
	if err == nil {
		t.describe(answer)
		err = t.pc.SetLocalDescription(answer)
	}
	if err != nil {
		t.failed("answer", err)
	}
}

// candidate applies one candidate of the other end, or the end of them.
func (t *trial) candidate(ref int, c *protocol.Candidate) {
	if t.pc == nil {
		return
	}
	init := webrtc.ICECandidateInit{Candidate: c.Line, SDPMid: c.SDPMid}
	if c.SDPMLineIndex != nil {
		index := uint16(*c.SDPMLineIndex)
		init.SDPMLineIndex = &index
	}
	t.applied(ref, t.pc.AddICECandidate(init))
}

func (t *trial) applied(ref int, err error) {
	a := &protocol.Applied{Trial: t.start.Trial, Ref: ref, OK: err == nil, AtMs: t.atMs()}
	if err != nil {
		a.Error = err.Error()
	}
	t.send(protocol.ClientMessage{Type: protocol.ClientApplied, Applied: a})
}

// state tells a change, and for the transports' has a sample taken: it shows the pair that connected while the session still waits for it.
func (t *trial) state(what, value string) {
	t.log.Debug(what, "state", value)
	t.send(t.stateMessage(what, value))
	if what == "ice" || what == "connection" || what == "dtls" {
		select {
		case t.look <- struct{}{}:
		default:
		}
	}
}

func (t *trial) stateMessage(what, value string) protocol.ClientMessage {
	return protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: t.start.Trial, What: what, Value: value, AtMs: t.atMs()}}
}

// tell sends all that is measured so far: the newest frame says everything.
func (t *trial) tell(data *protocol.DataResult, video *protocol.VideoResult) {
	t.mu.Lock()
	if data != nil {
		t.measured.Data = data
	}
	if video != nil {
		t.measured.Video = video
	}
	m := t.measured
	t.mu.Unlock()
	m.Trial, m.AtMs = t.start.Trial, t.atMs()
	t.send(protocol.ClientMessage{Type: protocol.ClientMeasurement, Measurement: &m})
}

// failed says that this end cannot go on.
func (t *trial) failed(step string, err error) {
	t.log.Warn("trial cannot go on", "step", step, "error", err)
	t.send(protocol.ClientMessage{Type: protocol.ClientTrialError, TrialError: &protocol.TrialError{
		Trial: t.start.Trial, Step: step, Error: strings.TrimSpace(fmt.Sprint(err)), Fatal: true,
	}})
}

func (t *trial) send(m protocol.ClientMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.out(m)
	}
}

// begin asks leave to work in one of pion's own goroutines; run then waits for the call of t.work.Done. False: the trial is over.
func (t *trial) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.work.Add(1)
	return true
}

// atMs is the time since the trial began, to the microsecond.
func (t *trial) atMs() float64 { return milliseconds(time.Since(t.began)) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
