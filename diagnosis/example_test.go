package diagnosis_test

import (
	"fmt"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

func ExampleDiagnose() {
	insecure := false
	d := diagnosis.Diagnose([]protocol.Event{
		{Seq: 0, Type: protocol.EventJoined, Peer: "a", Joined: &protocol.Joined{Kind: protocol.KindBrowser, HTTPAddress: "10.1.0.2:40000"}},
		{Seq: 1, Type: protocol.EventEnvironment, Peer: "a", Environment: &protocol.Environment{SecureContext: &insecure, PageURL: "http://10.9.0.10:8080/"}},
	})
	fmt.Println(d.Verdict.Needs, d.Verdict.Final)
	for _, f := range d.Findings {
		fmt.Println(f.Code, f.Confidence)
	}
	// Output:
	// undetermined false
	// insecure-context certain
}
