package main

import (
	"io"
	"log/slog"
)

// logLevel is slog.Level as a flag.
type logLevel struct{ slog.Level }

// newLogger logs to stderr: text for people, JSON for collectors.
func newLogger(stderr io.Writer, level logLevel, asJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level.Level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(stderr, options))
	}
	return slog.New(slog.NewTextHandler(stderr, options))
}
