package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
	"github.com/icescope/icescope/stunsrv"
)

// metrics are this server's figures, in a registry of their own: two servers in one process (a test) do not share them.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	checks   *prometheus.CounterVec
}

func newMetrics(version string, stats func() signaling.Stats, relay func() stunsrv.TURNStats) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "icescope_stun_requests_total", Help: "Requests that the STUN port saw, by transport, kind and whether an answer was sent.",
		}, []string{"transport", "kind", "answered"}),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "icescope_checks_total", Help: "Connectivity checks that the server sent to peers, by result.",
		}, []string{"result"}),
	}
	gauge := func(name, help string, read func(signaling.Stats) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read(stats())) })
	}
	counter := func(name, help string, read func(signaling.Stats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read(stats())) })
	}
	relayed := func(name, help string, read func(stunsrv.TURNStats) uint64, labels ...string) prometheus.Collector {
		constant := prometheus.Labels{}
		for i := 0; i+1 < len(labels); i += 2 {
			constant[labels[i]] = labels[i+1]
		}
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: constant}, func() float64 { return float64(read(relay())) })
	}
	const (
		refused = "Requests for a relay, or for a permission of one, that were refused, by reason."
		bytes   = "Bytes that were relayed, without headers."
		dropped = "Datagrams that were not relayed, by reason."
	)
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "icescope_turn_allocations", Help: "Relays that are open."}, func() float64 { return float64(relay().Allocations) }),
		relayed("icescope_turn_allocations_total", "Relays ever opened.", func(s stunsrv.TURNStats) uint64 { return s.Made }),
		relayed("icescope_turn_refused_total", refused, func(s stunsrv.TURNStats) uint64 { return s.RefusedCredentials }, "reason", "credentials"),
		relayed("icescope_turn_refused_total", refused, func(s stunsrv.TURNStats) uint64 { return s.RefusedQuota }, "reason", "quota"),
		relayed("icescope_turn_refused_total", refused, func(s stunsrv.TURNStats) uint64 { return s.RefusedPeer }, "reason", "peer"),
		relayed("icescope_turn_relayed_bytes_total", bytes, func(s stunsrv.TURNStats) uint64 { return s.BytesToPeers }, "to", "peer"),
		relayed("icescope_turn_relayed_bytes_total", bytes, func(s stunsrv.TURNStats) uint64 { return s.BytesToClients }, "to", "client"),
		relayed("icescope_turn_dropped_total", dropped, func(s stunsrv.TURNStats) uint64 { return s.DroppedQueue }, "reason", "queue"),
		relayed("icescope_turn_dropped_total", dropped, func(s stunsrv.TURNStats) uint64 { return s.DroppedRate }, "reason", "rate"),
		relayed("icescope_turn_dropped_total", dropped, func(s stunsrv.TURNStats) uint64 { return s.DroppedPeer }, "reason", "peer"),
	)
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "icescope_build_info", Help: "1, with the version.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(build, m.requests, m.checks, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("icescope_rooms", "Rooms that are open.", func(s signaling.Stats) int { return s.Rooms }),
		gauge("icescope_peers", "Peers and watchers in rooms, those who may still resume included.", func(s signaling.Stats) int { return s.Peers }),
		gauge("icescope_websockets", "WebSockets that are open.", func(s signaling.Stats) int { return s.Conns }),
		counter("icescope_rooms_made_total", "Rooms ever made.", func(s signaling.Stats) uint64 { return s.RoomsMade }),
		counter("icescope_frames_received_total", "WebSocket frames read, sound or not.", func(s signaling.Stats) uint64 { return s.FramesIn }),
		counter("icescope_frames_sent_total", "WebSocket frames written.", func(s signaling.Stats) uint64 { return s.FramesOut }),
		counter("icescope_frames_relayed_total", "Descriptions and candidates passed from one peer to the other.", func(s signaling.Stats) uint64 { return s.Relayed }),
		counter("icescope_frames_refused_total", "Frames answered with an error.", func(s signaling.Stats) uint64 { return s.Errors }),
		counter("icescope_frames_rate_limited_total", "Frames dropped because too many came.", func(s signaling.Stats) uint64 { return s.RateLimited }),
		counter("icescope_websockets_too_slow_total", "WebSockets closed because they did not read.", func(s signaling.Stats) uint64 { return s.TooSlow }),
		counter("icescope_websockets_dropped_total", "WebSockets that ended without a leave.", func(s signaling.Stats) uint64 { return s.Drops }),
		counter("icescope_resumes_total", "Peers that came back in time.", func(s signaling.Stats) uint64 { return s.Resumes }),
	)
	return m
}

func (m *metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), DisableCompression: true, // the routes compress
	})
}

// sighting counts what the STUN port saw.
func (m *metrics) sighting(s protocol.Sighting) {
	answered := "no"
	if s.Answered {
		answered = "yes"
	}
	m.requests.WithLabelValues(s.Transport, s.Kind, answered).Add(float64(max(s.Requests, 1)))
}

// countedChecks is the STUN server's Check with a count of what came of it.
type countedChecks struct {
	*stunsrv.Server
	metrics *metrics
}

// Check is stunsrv.Server.Check.
func (c countedChecks) Check(ctx context.Context, r stunsrv.CheckRequest) (stunsrv.CheckResult, error) {
	result, err := c.Server.Check(ctx, r)
	c.metrics.checks.WithLabelValues(result.Result).Inc()
	return result, err
}
