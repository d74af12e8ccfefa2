package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
)

const (
	// nodePartner is the machine of a second icescope, at SecondIP; the server itself has one address.
	nodePartner = "partner"
	partnerKey  = "0123456789abcdef0123456789abcdef"
	// lentDeadline is for two partners to find each other: the first pause between two attempts is half a second.
	lentDeadline = 10 * time.Second
)

// partnerBench is a NATBench whose second address is another machine's.
//
//	a 10.1.0.2 ── ra ── 10.9.0.1 ┬ server 10.9.0.10
//	                             └ partner 10.9.0.11
type partnerBench struct {
	*NATBench
	partner *exec.Cmd
	said    bytes.Buffer // by the partner
}

func setPartners(ctx context.Context, binary, logFile string) (b *partnerBench, err error) {
	network := NATNetwork(NATs[0])
	server := &network.Nodes[len(network.Nodes)-1]
	server.Legs = []Leg{{middle, ServerIP + "/24"}}
	network.Nodes = append(network.Nodes, Node{Name: nodePartner, Legs: []Leg{{middle, SecondIP + "/24"}}, Routes: server.Routes})
	b = &partnerBench{NATBench: &NATBench{binary: binary, browsers: map[Client]Browser{}}}
	b.Bench, err = Set(ctx, Scenario{Name: "partner", Network: network, Serve: []string{"--stun-partner=" + SecondIP, "--stun-partner-key=" + partnerKey}}, binary, logFile)
	if err != nil {
		return nil, err
	}
	b.lab = natsOf(b.Lab)
	return b, nil
}

// startPartner starts the second icescope, which only knows the key.
func (b *partnerBench) startPartner() error {
	b.partner = Command(b.Lab.NS(nodePartner), b.binary, "serve", "--log-level=debug")
	b.partner.Env = append(environment(b.home), "ICESCOPE_PARTNER_KEY="+partnerKey)
	b.partner.Stdout, b.partner.Stderr = &b.said, &b.said
	return b.partner.Start()
}

// second waits until pages are told of that second address.
func (b *partnerBench) second(ctx context.Context, want string) error {
	ctx, cancel := context.WithTimeout(ctx, lentDeadline)
	defer cancel()
	return until(ctx, func() (bool, error) {
		text, err := b.get(ctx, "/api/v1/info")
		if err != nil {
			return false, err
		}
		var info protocol.Info
		return json.Unmarshal(text, &info) == nil && info.Alternate == want, nil
	})
}

// A second machine lends its address: then every NAT is told from every other as with two addresses on one machine, by the command line and from the page. Without it
// neither claims more than one address can tell.
func TestPartner(t *testing.T) {
	need(t, "ip", "nft", "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startDeadline)
	defer cancel()
	b, err := setPartners(ctx, binary, t.TempDir()+"/server.log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.partner != nil {
			Stop(b.partner)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the partner said:\n%s", b.said.String())
		}
	})
	began := time.Now()
	if err := b.startPartner(); err != nil {
		t.Fatal(err)
	}
	if err := b.second(ctx, SecondIP); err != nil {
		t.Fatalf("no address was lent: %v", err)
	}
	t.Logf("the address was lent %v after the partner's start", time.Since(began))
	// One NAT for each answer about filtering, one for each about mapping.
	for _, name := range []string{"eim-apdf", "eim-adf", "eim-eif", "user-adm-apdf", "user-apdm-adf", "none"} {
		t.Run(name, func(t *testing.T) {
			n := theNAT(t, name)
			if err := b.lab.SetNAT(0, n); err != nil {
				t.Fatal(err)
			}
			for _, client := range []Client{ClientCLI, ClientChromium} {
				a, err := b.Ask(t.Context(), client)
				if err != nil {
					t.Errorf("%s: %v", client, err)
					continue
				}
				if a.Mapping != n.Mapping || a.Filtering != n.Filtering {
					t.Errorf("%s: %s: %s", client, a, a.Said)
				}
				t.Logf("%s: %s in %v", client, a, a.Took)
			}
		})
	}
	t.Run("lost", func(t *testing.T) {
		n := theNAT(t, "eim-apdf")
		if err := b.lab.SetNAT(0, n); err != nil {
			t.Fatal(err)
		}
		Stop(b.partner)
		b.partner = nil
		if err := b.second(t.Context(), ""); err != nil {
			t.Fatalf("the address of a partner that is gone is still there: %v", err)
		}
		for _, client := range []Client{ClientCLI, ClientChromium} {
			a, err := b.Ask(t.Context(), client)
			if err != nil {
				t.Errorf("%s: %v", client, err)
			} else if a.Mapping != protocol.NotMeasurable || a.Filtering != protocol.NotMeasurable && a.Filtering != n.Filtering { // one that minds ports shows that to one address, too
				t.Errorf("%s with one address: %s: %s", client, a, a.Said)
			}
		}
	})
}
