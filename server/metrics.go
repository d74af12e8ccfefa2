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

func newMetrics(version string, stats func() signaling.Stats) *metrics {
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
