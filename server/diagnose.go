package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/icescope/icescope/compare"
	"github.com/icescope/icescope/intake"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

const (
	// uploadTimeout is for the files: two recordings of 10 MiB over a line of 3 Mbit/s.
	uploadTimeout = time.Minute
	// maxUpload is all files together with what multipart puts around them.
	maxUpload = intake.MaxFiles*intake.MaxFile + 64<<10
	// diagnosesAtOnce bounds the memory and the processors that files of strangers take from the rooms.
	diagnosesAtOnce = 2
	// diagnoseBurst and diagnoseEvery bound one source: someone who compares a morning's recordings does not notice it.
	diagnoseBurst = 10
	diagnoseEvery = 2 * time.Second
)

// diagnoser answers POST /api/v1/diagnose. It keeps nothing.
type diagnoser struct {
	lang    protocol.Lang
	sources sourceLimiter
	turns   chan struct{}
}

func newDiagnoser(lang protocol.Lang) *diagnoser {
	return &diagnoser{lang: lang, sources: sourceLimiter{every: rate.Every(diagnoseEvery), burst: diagnoseBurst}, turns: make(chan struct{}, diagnosesAtOnce)}
}

func (d *diagnoser) serve(w http.ResponseWriter, r *http.Request) {
	lang, ok := choice(w, r, "lang", languages(d.lang)...)
	if !ok {
		return
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !d.sources.allow(peer.Addr()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(diagnoseEvery.Seconds())))
		writeError(w, protocol.ErrRateLimited, "too many files were sent from this address", fmt.Sprintf("wait %v; icescope diagnose reads files on your own machine", diagnoseEvery))
		return
	}
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
	case <-r.Context().Done():
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTimeout)) // a writer that cannot has the server's own
	files, e := receive(w, r)
	if e != nil {
		writeError(w, e.Code, e.Message, e.Hint)
		return
	}
	answer, e := diagnose(files, protocol.Lang(lang))
	if e != nil {
		writeError(w, e.Code, e.Message, e.Hint)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(answer) // the reader is gone: nothing to do
}

// diagnose makes the report of one file, or two reports and what is different. Files of strangers may hold what no icescope ever wrote: a rule that stumbles over that
// says so, and harms nobody else.
func diagnose(files []intake.File, lang protocol.Lang) (answer []byte, e *protocol.Error) {
	defer func() {
		if p := recover(); p != nil {
			answer, e = nil, &protocol.Error{Code: protocol.ErrBadMessage, Message: fmt.Sprintf("the recording contradicts itself: %v", p), Hint: "fetch it again, unchanged, from the icescope that made it"}
		}
	}()
	reports, err := intake.Reports(files, lang)
	var wrong *intake.Error
	switch {
	case errors.As(err, &wrong):
		return nil, &protocol.Error{Code: protocol.ErrBadMessage, Message: wrong.Message, Hint: wrong.Hint}
	case err != nil:
		return nil, &protocol.Error{Code: protocol.ErrInternal, Message: err.Error(), Hint: "this is a defect of icescope: its log says more"}
	case len(reports) == 1:
		return report.JSON(reports[0]), nil
	}
	from := compare.Sources{Names: [2]string{files[0].Name, files[1].Name}}
	first := reports[0].GeneratedAt
	intake.InOrder(reports)
	if reports[0].GeneratedAt != first { // they have changed places
		slices.Reverse(from.Names[:])
	}
	compared := compare.Compare(reports[0], reports[1], lang)
	compared.HTML = compare.HTML(compared, from)
	// protocol.Diagnosed, each report as report.JSON writes it: one that was brought may lack what every report has.
	answer, err = json.Marshal(struct {
		Reports    [2]json.RawMessage  `json:"reports"`
		Comparison protocol.Comparison `json:"comparison"`
	}{[2]json.RawMessage{report.JSON(reports[0]), report.JSON(reports[1])}, compared})
	if err != nil {
		return nil, &protocol.Error{Code: protocol.ErrInternal, Message: err.Error(), Hint: "this is a defect of icescope: its log says more"}
	}
	return answer, nil
}

// receive reads the files: multipart/form-data (RFC 7578), each in a part named file. Nothing is written to disk.
func receive(w http.ResponseWriter, r *http.Request) ([]intake.File, *protocol.Error) {
	hint := "send one or two files as multipart/form-data, each in a part named file: curl -F file=@recording.jsonl"
	bad := func(format string, args ...any) *protocol.Error {
		return &protocol.Error{Code: protocol.ErrBadMessage, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, bad("no files: %v", err)
	}
	large := func(name string) *protocol.Error {
		return &protocol.Error{Code: protocol.ErrTooLarge, Message: fmt.Sprintf("%s has more than %d MiB", name, intake.MaxFile>>20), Hint: "a recording of icescope is never so long; is it the right file?"}
	}
	var files []intake.File
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, bad("the files ended early: %v", err)
		}
		if part.FormName() != "file" {
			return nil, bad("a part is named %q", part.FormName())
		}
		if len(files) == intake.MaxFiles {
			return nil, bad("more than %d files", intake.MaxFiles)
		}
		name := part.FileName()
		if name == "" {
			name = "file " + strconv.Itoa(len(files)+1)
		}
		data, err := io.ReadAll(io.LimitReader(part, intake.MaxFile+1))
		var over *http.MaxBytesError
		switch {
		case errors.As(err, &over) || len(data) > intake.MaxFile:
			return nil, large(name)
		case err != nil:
			return nil, bad("%s ended early: %v", name, err)
		}
		files = append(files, intake.File{Name: name, Data: data})
	}
	if len(files) == 0 {
		return nil, bad("no file")
	}
	return files, nil
}
