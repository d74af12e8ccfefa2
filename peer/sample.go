package peer

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// sample reads getStats and sends it. The counters are pion's own, of each pair apart; a non-symmetric response, which pion throws away, is counted
// on the wire and put beside them.
func (t *trial) sample() {
	if t.pc == nil {
		return
	}
	ice := t.pc.ICEConnectionState()
	s := &protocol.Sample{Trial: t.start.Trial, AtMs: t.atMs(), Counters: true, ICEState: ice.String()}
	dtls := t.pc.SCTP().Transport()
	s.DTLSState = dtls.State().String()
	s.DTLSRole = t.role
	if shown := dtls.GetRemoteCertificate(); len(shown) > 0 {
		s.RemoteFingerprint = fingerprint(shown)
	}
	// Before it has connected there is none, and to ask would race with the transport's start (webrtc v4.2.19, icetransport.go).
	if ice != webrtc.ICEConnectionStateNew && ice != webrtc.ICEConnectionStateChecking && ice != webrtc.ICEConnectionStateClosed {
		if selected, ok := dtls.ICETransport().GetSelectedCandidatePairStats(); ok {
			s.SelectedPair = selected.ID
		}
	}
	addrs := map[string]netip.AddrPort{} // of UDP, by candidate id
	var pairs []webrtc.ICECandidatePairStats
	for _, stats := range t.pc.GetStats() {
		switch stats := stats.(type) {
		case webrtc.ICECandidateStats:
			ip, _ := netip.ParseAddr(stats.IP) // a name that is not resolved yet has no address
			if stats.Protocol == "udp" {
				addrs[stats.ID] = netip.AddrPortFrom(ip, uint16(stats.Port))
			}
			if c := sampleCandidate(stats); stats.Type == webrtc.StatsTypeLocalCandidate {
				s.Local = append(s.Local, c)
			} else {
				s.Remote = append(s.Remote, c)
			}
		case webrtc.ICECandidatePairStats:
			pairs = append(pairs, stats)
		case webrtc.CertificateStats:
			s.LocalFingerprint = stats.FingerprintAlgorithm + " " + strings.ToUpper(stats.Fingerprint)
		}
	}
	for _, p := range pairs {
		pair := samplePair(p)
		if base, ok := t.bases.Load(addrs[p.LocalCandidateID]); ok {
			odd := t.wire.nonSymmetric(base.(uint16), addrs[p.RemoteCandidateID])
			pair.NonSymmetric = &odd
			if s := t.sweeping.Load(); s != nil && s.port == base.(uint16) && s.remote == addrs[p.RemoteCandidateID] {
				sent, answered := s.count()
				*pair.RequestsSent += sent
				*pair.ResponsesReceived += answered
			}
		}
		s.Pairs = append(s.Pairs, pair)
	}
	// The report is a map; in a fixed order two samples can be compared.
	byID := func(a, b protocol.SampleCandidate) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(s.Local, byID)
	slices.SortFunc(s.Remote, byID)
	slices.SortFunc(s.Pairs, func(a, b protocol.SamplePair) int { return cmp.Compare(a.ID, b.ID) })
	t.send(protocol.ClientMessage{Type: protocol.ClientSample, Sample: s})
}

// fingerprint is a certificate's (RFC 8122 section 5), by the hash that every agent of WebRTC has.
func fingerprint(der []byte) string {
	var hex []string
	for _, b := range sha256.Sum256(der) {
		hex = append(hex, fmt.Sprintf("%02X", b))
	}
	return "sha-256 " + strings.Join(hex, ":")
}

func sampleCandidate(s webrtc.ICECandidateStats) protocol.SampleCandidate {
	return protocol.SampleCandidate{
		ID: s.ID, Type: s.CandidateType.String(), Protocol: s.Protocol, Address: s.IP, Port: int(s.Port),
		Priority: uint32(s.Priority), URL: s.URL, RelayProtocol: s.RelayProtocol,
	}
}

func samplePair(s webrtc.ICECandidatePairStats) protocol.SamplePair {
	count := func(n uint64) *int64 { v := int64(n); return &v }
	p := protocol.SamplePair{
		ID: s.ID, Local: s.LocalCandidateID, Remote: s.RemoteCandidateID, State: string(s.State), Nominated: s.Nominated,
		RequestsSent: count(s.RequestsSent), RequestsReceived: count(s.RequestsReceived),
		ResponsesSent: count(s.ResponsesSent), ResponsesReceived: count(s.ResponsesReceived),
		BytesSent: count(s.BytesSent), BytesReceived: count(s.BytesReceived),
		PacketsSent: count(uint64(s.PacketsSent)), PacketsReceived: count(uint64(s.PacketsReceived)),
	}
	if s.ResponsesReceived > 0 {
		rtt := s.CurrentRoundTripTime * 1000
		p.RTTMs = &rtt
	}
	return p
}
