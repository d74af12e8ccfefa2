package peer_test

import (
	"testing"
	"time"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// A page is played by pion: it offers a canvas, which here is any bytes, and the headless peer counts what arrives.
func TestVideoFramesAreCounted(t *testing.T) {
	n := buildNetwork(t, nil)
	defer n.stop()
	r := newRoom(t)

	engine := webrtc.SettingEngine{}
	engine.LoggerFactory = quiet
	engine.SetNet(n.a)
	page, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer page.GracefulClose()
	canvas, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "canvas")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := page.AddTrack(canvas); err != nil {
		t.Fatal(err)
	}
	offer, err := page.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(page)
	if err := page.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered

	config := peer.Config{Dial: r.dial("b"), Net: n.b}
	leave := runOne(t, config)
	defer leave()
	r.wait("b", "its own gathering", func(m protocol.ClientMessage) bool { return m.Description != nil })
	trial := protocol.TrialID("host-1")
	r.tell(protocol.ServerMessage{Start: &protocol.Start{Trial: trial, Role: protocol.RoleAnswerer, SampleMs: 100, VideoMs: 200}})
	r.tell(protocol.ServerMessage{Ref: 1, Description: &protocol.Description{Trial: trial, Kind: "offer", SDP: page.LocalDescription().SDP}})
	answer := r.wait("b", "an answer", func(m protocol.ClientMessage) bool { return m.Description != nil && m.Description.Kind == "answer" })
	if err := page.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.Description.SDP}); err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	painted := make(chan struct{})
	go func() {
		defer close(painted)
		const frame = 20 * time.Millisecond
		tick := time.NewTicker(frame)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_ = canvas.WriteSample(media.Sample{Data: make([]byte, 3000), Duration: frame}) // three packets
			}
		}
	}()
	defer func() { close(stop); <-painted }()

	video := r.wait("b", "a count of frames", func(m protocol.ClientMessage) bool { return m.Measurement != nil && m.Measurement.Video != nil }).Measurement.Video
	if video.FramesDecoded < 5 || video.FramesDecoded > 20 || video.FirstFrameMs <= 0 || video.FPS < 20 {
		t.Errorf("got %+v of about 10 frames at 50 a second", video)
	}
}
