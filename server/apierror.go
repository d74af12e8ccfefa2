package server

import (
	"encoding/json"
	"net/http"

	"github.com/icescope/icescope/protocol"
)

// The statuses of the errors that the HTTP API answers with; docs/protocol.md says for each code what to do.
var statuses = map[protocol.ErrorCode]int{
	protocol.ErrUnknownRoom:     http.StatusNotFound,
	protocol.ErrUnknownReport:   http.StatusNotFound,
	protocol.ErrNotListed:       http.StatusForbidden,
	protocol.ErrUnknownType:     http.StatusNotFound,
	protocol.ErrBadMessage:      http.StatusBadRequest,
	protocol.ErrTooLarge:        http.StatusRequestEntityTooLarge,
	protocol.ErrRateLimited:     http.StatusTooManyRequests,
	protocol.ErrTooManyRooms:    http.StatusServiceUnavailable,
	protocol.ErrForbiddenOrigin: http.StatusForbidden,
}

// writeError answers with {"error": …}; a code without a status of its own is a defect of the server.
func writeError(w http.ResponseWriter, code protocol.ErrorCode, message, hint string) {
	status, ok := statuses[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	writeJSON(w, status, map[string]protocol.Error{"error": {Code: code, Message: message, Hint: hint}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // our own types: only a defect gets here
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the reader is gone: nothing to do
}
