package natprobe

import (
	"testing"

	"github.com/pion/stun/v3"
)

// FuzzParseAnswer: no datagram makes the parser panic, and what it takes for a success has an address.
func FuzzParseAnswer(f *testing.F) {
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	client, server := simPS, &simServer{}
	out, _, _ := server.answer(request.Raw, client, 0)
	f.Add(out)
	out, _, _ = (&simServer{classic: true}).answer(request.Raw, client, 0)
	f.Add(out)
	f.Add(stun.MustBuild(request, stun.BindingError, stun.CodeUnknownAttribute).Raw)
	f.Add(request.Raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := parseAnswer(raw)
		if err == nil && a.code == 0 && (!a.mapped.IsValid() || a.mapped.Port() == 0) {
			t.Errorf("%+v", a)
		}
		if len([]rune(a.software)) > maxSoftware {
			t.Errorf("software of %d", len(a.software))
		}
	})
}
