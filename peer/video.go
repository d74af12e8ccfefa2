package peer

import (
	"context"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// measureVideo counts the frames that arrive of the other end's video. pion has no decoder: a frame counts when its last packet, the one with the RTP
// marker (RFC 7741 section 4.1 for VP8, RFC 6184 section 5.1 for H.264), has come, so FramesDecoded of a headless peer means frames received. This peer
// sends none.
func (t *trial) measureVideo(ctx context.Context) {
	var once sync.Once
	t.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if track.Kind() != webrtc.RTPCodecTypeVideo {
			return
		}
		once.Do(func() { t.countFrames(ctx, track) })
	})
}

// countFrames reads until VideoMs have passed since the first frame, or the trial ends. pion runs OnTrack in a goroutine of its own, and closing the
// connection ends the read.
func (t *trial) countFrames(ctx context.Context, track *webrtc.TrackRemote) {
	if !t.begin() {
		return
	}
	defer t.work.Done()
	var (
		result protocol.VideoResult
		first  time.Time
		last   time.Time
		length = time.Duration(t.start.VideoMs) * time.Millisecond
		sent   bool
	)
	report := func() {
		if spent := last.Sub(first); spent > 0 {
			result.FPS = float64(result.FramesDecoded-1) / spent.Seconds()
		}
		video := result
		t.send(protocol.ClientMessage{Type: protocol.ClientMeasurement, Measurement: &protocol.Measurement{
			Trial: t.start.Trial, AtMs: t.atMs(), Video: &video,
		}})
		sent = true
	}
	for ctx.Err() == nil {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if !packet.Marker || len(packet.Payload) == 0 {
			continue
		}
		result.FramesDecoded++
		last = time.Now()
		if first.IsZero() {
			first = last
			result.FirstFrameMs = t.atMs()
		}
		if !sent && last.Sub(first) >= length {
			report() // and read on: an unread track fills pion's buffers
		}
	}
}
