package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
)

// relayDeadline is for two browsers to start, to join and to measure both relay trials, on a busy machine.
const relayDeadline = 90 * time.Second

// TestTURN: the relay trials of two browsers connect through this server alone, where nothing is in the way and where nothing else would do.
func TestTURN(t *testing.T) {
	need(t, "ip", "nft", "chromium", "firefox")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []Scenario{flat, udpBlocked} {
		for _, kinds := range [][2]Kind{{Chromium, Chromium}, {Firefox, Chromium}, {Firefox, Firefox}} {
			t.Run(fmt.Sprintf("%s/%s-%s", scenario.Name, kinds[0], kinds[1]), func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), relayDeadline)
				defer cancel()
				b, err := Set(ctx, scenario, binary, t.TempDir()+"/server.log")
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				for i, name := range []string{NodeA, NodeB} {
					browser, err := Start(ctx, kinds[i], Options{NS: b.Lab.NS(name)})
					if err != nil {
						t.Fatal(err)
					}
					defer browser.Close()
					if err := browser.Open(ctx, b.PageURL(name, protocol.English)); err != nil {
						t.Fatal(err)
					}
				}
				relays := func(r protocol.Report) (out []protocol.TrialReport) {
					for _, trial := range r.Trials {
						if trial.Kind.Relay() && trial.Outcome != "" {
							out = append(out, trial)
						}
					}
					return out
				}
				report, err := b.wait(ctx, func(r protocol.Report) bool { return len(relays(r)) == 2 })
				if err != nil {
					t.Fatal(err)
				}
				for _, trial := range relays(report) {
					if trial.Outcome != protocol.OutcomeConnected || trial.Data == nil {
						t.Errorf("%s: %s %s, data %+v", trial.Kind, trial.Outcome, trial.Reason, trial.Data)
						continue
					}
					t.Logf("%s: round trip %v ms, loss %v %%, %v kbit/s", trial.Kind, trial.Data.RTTMs, deref(trial.Data.LossPercent), deref(trial.Data.ThroughputKbps))
				}
			})
		}
	}
}

func deref[T any](p *T) any {
	if p == nil {
		return "?"
	}
	return *p
}

// certificateFor makes an authority and a certificate for an IP, as a company does, and puts them in a directory.
func certificateFor(t *testing.T, ip string) (authority []byte, certFile, keyFile string) {
	t.Helper()
	sign := func(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	since, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, NotBefore: since, NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: ip}, NotBefore: since, NotAfter: until, IPAddresses: []net.IP{net.ParseIP(ip)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	rootKey, leafKey := key(), key()
	authority = sign(root, root, rootKey, rootKey)
	private, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: sign(leaf, root, leafKey, rootKey)}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return authority, certFile, keyFile
}

// throughRelays makes two RTCPeerConnections in one page meet through relays alone, and tells the selected local candidate's protocol, or why they did not.
const throughRelays = `(async servers => {
	const a = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: "relay"}), b = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: "relay"})
	const errors = []
	a.onicecandidateerror = e => errors.push(e.errorCode + " " + e.errorText + " " + e.url)
	a.onicecandidate = e => e.candidate && b.addIceCandidate(e.candidate)
	b.onicecandidate = e => e.candidate && a.addIceCandidate(e.candidate)
	const channel = a.createDataChannel("x")
	const opened = new Promise(done => channel.onopen = done)
	await a.setLocalDescription()
	await b.setRemoteDescription(a.localDescription)
	await b.setLocalDescription()
	await a.setRemoteDescription(b.localDescription)
	await Promise.race([opened, new Promise(done => setTimeout(done, 15000))])
	let how = "not connected: " + errors.join("; ")
	if (channel.readyState === "open") for (const s of (await a.getStats()).values()) if (s.type === "local-candidate" && s.relayProtocol) how = s.relayProtocol
	a.close(); b.close()
	return how
})`

// TestTURNOverTLS: Chromium that trusts a company's authority, by its policy CACertificates, meets through TURN over TLS on the port of HTTPS. With the server's own certificate
// it does not, which is why trials offer TLS only with the operator's.
func TestTURNOverTLS(t *testing.T) {
	need(t, "ip", "nft", "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const secret = "a secret of the lab's"
	authority, certFile, keyFile := certificateFor(t, ServerIP)
	for _, c := range []struct {
		name  string
		serve []string
		want  string // "": anything but a connection
	}{
		{"trusted", []string{"--tls-cert=" + certFile, "--tls-key=" + keyFile}, "tls"},
		{"self-signed", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), relayDeadline)
			defer cancel()
			scenario := flat
			scenario.Serve = append(slices.Clone(flat.Serve), append(c.serve, "--turn-secret="+secret)...)
			b, err := Set(ctx, scenario, binary, t.TempDir()+"/server.log")
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			browser, err := Start(ctx, Chromium, Options{NS: b.Lab.NS(NodeA), Policies: map[string]any{"CACertificates": []string{base64.StdEncoding.EncodeToString(authority)}}})
			if err != nil {
				t.Fatal(err)
			}
			defer browser.Close()
			if err := browser.Open(ctx, b.PageURL("A", protocol.English)); err != nil {
				t.Fatal(err)
			}
			username := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10) + ":lab"
			mac := hmac.New(sha1.New, []byte(secret))
			mac.Write([]byte(username))
			servers, err := json.Marshal([]protocol.ICEServer{{URLs: []string{"turns:" + ServerIP + ":8443?transport=tcp"}, Username: username, Credential: base64.StdEncoding.EncodeToString(mac.Sum(nil))}})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			if err := browser.Eval(ctx, throughRelays+"("+string(servers)+")", &got); err != nil {
				t.Fatal(err)
			}
			t.Log(got)
			if c.want != "" && got != c.want || c.want == "" && (got == "tls" || got == "tcp" || got == "udp") {
				t.Errorf("%q instead of %q", got, c.want)
			}
		})
	}
}
