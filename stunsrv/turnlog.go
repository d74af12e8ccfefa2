package stunsrv

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// turnLogger is pion's log. What it calls an error is a client's fault, or a network's; what it says of each packet is not logged.
type turnLogger struct{ log *slog.Logger }

// NewLogger is of one part of pion.
func (l turnLogger) NewLogger(string) logging.LeveledLogger { return l }

func (l turnLogger) say(msg string)                    { l.log.Debug("turn: " + msg) }
func (l turnLogger) sayf(format string, args ...any)   { l.say(fmt.Sprintf(format, args...)) }
func (l turnLogger) Trace(string)                      {}
func (l turnLogger) Tracef(string, ...any)             {}
func (l turnLogger) Debug(string)                      {}
func (l turnLogger) Debugf(string, ...any)             {}
func (l turnLogger) Info(string)                       {}
func (l turnLogger) Infof(string, ...any)              {}
func (l turnLogger) Warn(msg string)                   { l.say(msg) }
func (l turnLogger) Warnf(format string, args ...any)  { l.sayf(format, args...) }
func (l turnLogger) Error(msg string)                  { l.say(msg) }
func (l turnLogger) Errorf(format string, args ...any) { l.sayf(format, args...) }
