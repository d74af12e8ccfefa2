package peer

import (
	"context"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// firstFrameWithin is how long after the connection a first frame may take; the web page waits as long (web/src/rtc/video.ts).
const firstFrameWithin = 4 * time.Second

// measureVideo counts the frames that arrive of the other end's video. pion has no decoder: a frame counts when its last packet, the one with the RTP
// marker (RFC 7741 section 4.1 for VP8, RFC 6184 section 5.1 for H.264), has come, so FramesDecoded of a headless peer means frames received. This peer
// sends none.
func (t *trial) measureVideo(ctx context.Context) {
	var track, connected sync.Once
	came := make(chan struct{})
	t.pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { // in a goroutine of pion's, as is the next
		if remote.Kind() == webrtc.RTPCodecTypeVideo {
			track.Do(func() { t.countFrames(ctx, remote, came) })
		}
	})
	t.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		t.state("connection", s.String())
		if s != webrtc.PeerConnectionStateConnected || !t.videoComes.Load() {
			return
		}
		connected.Do(func() {
			if !t.begin() {
				return
			}
			defer t.work.Done()
			longest := max(time.Duration(t.start.VideoMs)*time.Millisecond, firstFrameWithin)
			soon(ctx, came, longest)
			select {
			case <-came:
			case <-ctx.Done():
			default:
				t.tell(nil, &protocol.VideoResult{})
			}
		})
	})
}

// sendsVideo tells whether the other end has a video to send, not only a direction that would allow it: a track has an a=msid (RFC 8830).
func sendsVideo(description string) bool {
	d := webrtc.SessionDescription{SDP: description} // one of our own: pion's keeps what it parses, unguarded
	parsed, err := d.Unmarshal()
	if err != nil {
		return false
	}
	for _, m := range parsed.MediaDescriptions {
		if m.MediaName.Media != "video" {
			continue
		}
		_, both := m.Attribute("sendrecv")
		_, sends := m.Attribute("sendonly")
		_, track := m.Attribute("msid")
		return (both || sends) && track
	}
	return false
}

// countFrames tells when VideoMs have passed since the first frame, and then reads on: an unread track fills pion's buffers. Closing the connection
// ends it.
func (t *trial) countFrames(ctx context.Context, track *webrtc.TrackRemote, came chan<- struct{}) {
	if !t.begin() {
		return
	}
	defer t.work.Done()
	var (
		result protocol.VideoResult
		first  time.Time
		told   bool
		length = time.Duration(t.start.VideoMs) * time.Millisecond
	)
	for ctx.Err() == nil {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if !packet.Marker || len(packet.Payload) == 0 {
			continue
		}
		result.FramesDecoded++
		now := time.Now()
		if first.IsZero() {
			first = now
			result.FirstFrameMs = t.atMs()
			close(came)
		}
		if spent := now.Sub(first); spent >= length && !told {
			video := result
			if spent > 0 {
				video.FPS = float64(video.FramesDecoded-1) / spent.Seconds()
			}
			t.tell(nil, &video)
			told = true
		}
	}
}
