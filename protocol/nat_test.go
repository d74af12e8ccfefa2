package protocol_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/icescope/icescope/protocol"
)

func TestCornersOf(t *testing.T) {
	at := map[protocol.Corner]string{protocol.CornerPP: "10.9.0.10:3478", protocol.CornerPS: "10.9.0.10:3479", protocol.CornerSP: "10.9.0.11:3478", protocol.CornerSS: "10.9.0.11:3479"}
	const machine = "10.9.0.1:41823"
	steps := map[protocol.Corner]protocol.NATStep{protocol.CornerPS: protocol.StepFilterPort, protocol.CornerSP: protocol.StepFilterAddress, protocol.CornerSS: protocol.StepFilterBoth}
	request := func(step protocol.NATStep, c protocol.Corner, r protocol.StepResult) protocol.NATTest {
		return protocol.NATTest{Step: step, Transport: "udp", Packet: "Binding request", From: machine, To: at[c], Corner: c, Result: r}
	}
	check := func(step protocol.NATStep, c protocol.Corner, r protocol.StepResult) protocol.NATTest {
		return protocol.NATTest{Step: step, Transport: "udp", Packet: "connectivity check", From: at[c], To: machine, Corner: c, Result: r}
	}
	unasked := func(c protocol.Corner, r protocol.StepResult) protocol.NATTest { return check(steps[c], c, r) }
	change := func(c protocol.Corner, r protocol.StepResult, answerer string) protocol.NATTest { // of natprobe
		return protocol.NATTest{Step: steps[c], Transport: "udp", Packet: "Binding request, CHANGE-REQUEST change-ip", From: machine, To: at[protocol.CornerPP], Corner: c, Result: r, Answerer: answerer}
	}
	asked := request(protocol.StepAddressUDP, protocol.CornerPP, protocol.StepAnswered)
	type state map[protocol.Corner]protocol.Passage
	for name, c := range map[string]struct {
		filtering protocol.Behavior
		tests     []protocol.NATTest
		want      state
		unknown   []protocol.Corner // whose address is not known
	}{
		"nothing was measured": {protocol.NotMeasurable, nil, state{}, []protocol.Corner{protocol.CornerPP, protocol.CornerPS, protocol.CornerSP, protocol.CornerSS}},
		"what was asked is heard, and opens only itself": {protocol.NotMeasurable, []protocol.NATTest{asked, request(protocol.StepMappingPort, protocol.CornerSS, protocol.StepAnswered)},
			state{protocol.CornerPP: protocol.PassageOpen}, []protocol.Corner{protocol.CornerPS, protocol.CornerSP}},
		"an unanswered primary corner is no filter": {protocol.AddressDependent, []protocol.NATTest{request(protocol.StepAddressUDP, protocol.CornerPP, protocol.StepUnanswered)}, state{}, []protocol.Corner{protocol.CornerPS, protocol.CornerSP, protocol.CornerSS}},
		"all pass": {protocol.EndpointIndependent, []protocol.NATTest{asked, unasked(protocol.CornerPS, protocol.StepAnswered), unasked(protocol.CornerSP, protocol.StepAnswered), unasked(protocol.CornerSS, protocol.StepAnswered)}, state{protocol.CornerPP: protocol.PassageOpen, protocol.CornerPS: protocol.PassageOpen, protocol.CornerSP: protocol.PassageOpen, protocol.CornerSS: protocol.PassageOpen}, nil},
		"the controls are answered": {protocol.AddressAndPortDependent, []protocol.NATTest{asked, unasked(protocol.CornerPS, protocol.StepUnanswered), unasked(protocol.CornerSP, protocol.StepUnanswered), unasked(protocol.CornerSS, protocol.StepUnanswered), check(protocol.StepControl, protocol.CornerPS, protocol.StepAnswered), check(protocol.StepControl, protocol.CornerSP, protocol.StepAnswered), check(protocol.StepControl, protocol.CornerSS, protocol.StepAnswered)},
			state{protocol.CornerPP: protocol.PassageOpen, protocol.CornerPS: protocol.PassageBlocked, protocol.CornerSP: protocol.PassageBlocked, protocol.CornerSS: protocol.PassageBlocked}, nil},
		"the control is silent as well": {protocol.NotMeasurable, []protocol.NATTest{asked, unasked(protocol.CornerPS, protocol.StepUnanswered), check(protocol.StepControl, protocol.CornerPS, protocol.StepUnanswered)}, state{protocol.CornerPP: protocol.PassageOpen}, []protocol.Corner{protocol.CornerSP, protocol.CornerSS}},
		"the others are under way":      {protocol.NotMeasurable, []protocol.NATTest{asked, unasked(protocol.CornerPS, protocol.StepAnswered), unasked(protocol.CornerSP, protocol.StepRunning), unasked(protocol.CornerSS, protocol.StepSkipped)}, state{protocol.CornerPP: protocol.PassageOpen, protocol.CornerPS: protocol.PassageOpen}, nil},
		"one of two checks comes in":    {protocol.AddressDependent, []protocol.NATTest{unasked(protocol.CornerPS, protocol.StepUnanswered), unasked(protocol.CornerPS, protocol.StepAnswered), unasked(protocol.CornerPS, protocol.StepUnanswered)}, state{protocol.CornerPS: protocol.PassageOpen}, []protocol.Corner{protocol.CornerPP, protocol.CornerSP, protocol.CornerSS}},
		"TCP says nothing":              {protocol.AddressDependent, []protocol.NATTest{{Step: protocol.StepAddressTCP, Transport: "tcp", To: at[protocol.CornerPP], Corner: protocol.CornerPP, Result: protocol.StepAnswered}}, state{}, []protocol.Corner{protocol.CornerPP, protocol.CornerPS, protocol.CornerSP, protocol.CornerSS}},
		"of a request for another corner's answer, the answer names the corner": {protocol.AddressDependent, []protocol.NATTest{asked, change(protocol.CornerPS, protocol.StepAnswered, at[protocol.CornerPS]), change(protocol.CornerSP, protocol.StepUnanswered, ""), change(protocol.CornerSS, protocol.StepUnanswered, ""), request(protocol.StepControl, protocol.CornerSP, protocol.StepAnswered)},
			state{protocol.CornerPP: protocol.PassageOpen, protocol.CornerPS: protocol.PassageOpen, protocol.CornerSP: protocol.PassageBlocked, protocol.CornerSS: protocol.PassageBlocked}, []protocol.Corner{protocol.CornerSS}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []protocol.NATCorner
			for _, corner := range []protocol.Corner{protocol.CornerPP, protocol.CornerPS, protocol.CornerSP, protocol.CornerSS} {
				w := protocol.NATCorner{corner, at[corner], protocol.PassageUnknown}
				if s, ok := c.want[corner]; ok {
					w.State = s
				}
				for _, u := range c.unknown {
					if u == corner {
						w.AddrPort = ""
					}
				}
				want = append(want, w)
			}
			if d := cmp.Diff(want, protocol.CornersOf(c.filtering, c.tests)); d != "" {
				t.Error(d)
			}
		})
	}
}
