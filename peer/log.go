package peer

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLog hands what pion says to slog. pion's errors are seldom ours (a closed socket, a name that does not resolve), so all of it goes out one level
// lower than pion meant it, and its trace, one line a packet, is dropped.
type pionLog struct {
	log   *slog.Logger
	scope string
}

func (l pionLog) NewLogger(scope string) logging.LeveledLogger { return pionLog{l.log, scope} }

func (l pionLog) at(level slog.Level, format string, args ...any) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	l.log.Log(context.Background(), level, format, "pion", l.scope)
}

const belowDebug = slog.LevelDebug - 4

func (pionLog) Trace(string)                   {}
func (pionLog) Tracef(string, ...any)          {}
func (l pionLog) Debug(m string)               { l.at(belowDebug, "%s", m) }
func (l pionLog) Debugf(f string, args ...any) { l.at(belowDebug, f, args...) }
func (l pionLog) Info(m string)                { l.at(belowDebug, "%s", m) }
func (l pionLog) Infof(f string, args ...any)  { l.at(belowDebug, f, args...) }
func (l pionLog) Warn(m string)                { l.at(slog.LevelDebug, "%s", m) }
func (l pionLog) Warnf(f string, args ...any)  { l.at(slog.LevelDebug, f, args...) }
func (l pionLog) Error(m string)               { l.at(slog.LevelDebug, "%s", m) }
func (l pionLog) Errorf(f string, args ...any) { l.at(slog.LevelDebug, f, args...) }
