package main

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/server"
)

type serveCommand struct {
	HTTP          string        `name:"http" help:"Where to serve the page." default:":8080"`
	HTTPS         string        `name:"https" help:"Where to serve it as a secure context, so that it may ask for the camera; empty: nowhere." default:":8443"`
	STUN          []string      `name:"stun" help:"Where to answer STUN over UDP and TCP; may be given once per address." default:":3478"`
	STUNAltPort   int           `name:"stun-alt-port" help:"The second STUN port, which shows how a NAT maps; 0: the one after the first." placeholder:"PORT"`
	STUNAltIP     []string      `name:"stun-alt-ip" help:"The second address of the STUN server, of this machine: it tells how a NAT treats other addresses. Without it one is looked for on the same interface." placeholder:"IP"`
	STUNPartner   []string      `name:"stun-partner" help:"Another icescope on another machine, which lends its address as the second one, and is lent this machine's. Both need the same two STUN ports and the same key." placeholder:"HOST"`
	PartnerKey    string        `name:"stun-partner-key" env:"ICESCOPE_PARTNER_KEY" help:"What partners prove themselves with; at least 16 characters, as openssl rand -hex 16 makes. Others on this machine can see a command line; they cannot see the environment." placeholder:"KEY"`
	NoTURN        bool          `name:"no-turn" help:"Relay nothing: no TURN on the STUN and HTTPS ports."`
	TURNSecret    string        `name:"turn-secret" env:"ICESCOPE_TURN_SECRET" help:"What relay credentials are made with (coturn's REST scheme); default: a random one of this process. Others on this machine can see a command line; they cannot see the environment." placeholder:"SECRET"`
	TURNPorts     string        `name:"turn-ports" help:"The UDP ports of relays, which a firewall or NAT in front of this machine must let in, number by number, where only one end is relayed; default: 49152-65535." placeholder:"MIN-MAX"`
	Advertise     string        `help:"The host in the STUN and TURN URLs, where clients reach this machine by another address than the page's; an IP address is also the one of the relays." placeholder:"HOST"`
	OpenRooms     bool          `help:"Let the first to join make the room, whatever its code (automation, benchmarks)."`
	NoDirectCheck bool          `help:"Send no connectivity checks of the server's own to the peers' addresses."`
	NoNATCheck    bool          `name:"no-nat-check" help:"Do not measure the filtering of browsers' NATs, which takes checks to the address that STUN saw them come from."`
	TLSDir        string        `name:"tls-dir" help:"Where the self-signed certificate is kept; default: the user's configuration directory." type:"path" placeholder:"DIR"`
	TLSCert       string        `name:"tls-cert" help:"A certificate of your own (PEM), with --tls-key." type:"existingfile" placeholder:"FILE" and:"own"`
	TLSKey        string        `name:"tls-key" help:"Its key (PEM)." type:"existingfile" placeholder:"FILE" and:"own"`
	Data          string        `help:"Where finished reports are kept (SQLite, icescope.db); default: in memory, gone with the process." type:"path" placeholder:"DIR"`
	KeepFor       time.Duration `name:"keep-for" help:"How long a finished report is kept; 0: for ever." default:"720h"`
	KeepSize      byteSize      `name:"keep-size" help:"How much all of them may take; the oldest go first; 0: no bound. In memory 64MiB at the most." default:"256MiB" placeholder:"SIZE"`
	NoList        bool          `name:"no-list" help:"Do not list finished reports: only who knows the address of one can read it."`
	Lang          protocol.Lang `help:"Language of reports that are asked for without one: ${enum}." enum:"en,ja" default:"en"`
	LogLevel      logLevel      `help:"What to log on stderr: debug, info, warn or error." default:"info"`
	LogJSON       bool          `name:"log-json" help:"Log as JSON."`
	QR            *bool         `name:"qr" negatable:"" help:"Draw the page's first address as a QR code, for a telephone; default: on a terminal with room for it."`
	JSON          bool          `help:"Write the addresses to stdout as one JSON object once all of them listen."`
}

// Run serves until it is interrupted.
func (c *serveCommand) Run(ctx context.Context, t *terminal) error {
	s, err := server.New(server.Config{
		HTTP: c.HTTP, HTTPS: c.HTTPS, STUN: c.STUN, STUNAltPort: c.STUNAltPort, STUNAltIP: c.STUNAltIP,
		STUNPartner: c.STUNPartner, STUNPartnerKey: c.PartnerKey, NoTURN: c.NoTURN, TURNSecret: c.TURNSecret, TURNPorts: c.TURNPorts, Advertise: c.Advertise, OpenRooms: c.OpenRooms,
		NoDirectCheck: c.NoDirectCheck, NoNATCheck: c.NoNATCheck, TLSDir: c.TLSDir, TLSCert: c.TLSCert, TLSKey: c.TLSKey, Lang: c.Lang, Version: version,
		Data: c.Data, KeepFor: c.KeepFor, KeepBytes: int64(c.KeepSize), NoList: c.NoList,
		Logger: newLogger(t.stderr, c.LogLevel, c.LogJSON),
	})
	if err != nil {
		return err
	}
	addrs := s.Addrs()
	if c.JSON {
		if err := t.printJSON(addrs); err != nil {
			return err
		}
	}
	c.greet(t, addrs)
	return s.Serve(ctx)
}

// greet says what to open where, as someone would say it to the person next to them.
func (c *serveCommand) greet(t *terminal, addrs server.Addrs) {
	t.say("open this page on both machines:")
	for _, url := range addrs.URLs {
		t.say("    %s", url)
	}
	if len(addrs.SecureURLs) > 0 {
		t.say("or this one, where the page may ask for the camera (the certificate is self-signed: accept it once):")
		for _, url := range addrs.SecureURLs {
			t.say("    %s", url)
		}
	}
	if len(addrs.URLs) > 0 {
		t.scan(addrs.URLs[0], c.QR)
	}
	var stun []string
	global := false
	for _, a := range addrs.STUN { // what others can reach comes first: the rest is not worth a line
		ap, err := netip.ParseAddrPort(a)
		global = global || err == nil && ap.Addr().IsGlobalUnicast()
		if err == nil && ap.Addr().IsGlobalUnicast() == global {
			stun = append(stun, a)
		}
	}
	t.say("STUN over UDP and TCP on %s", strings.Join(stun, ", "))
	if len(addrs.TURN) > 0 {
		t.say("TURN at %s", strings.Join(addrs.TURN, ", "))
	}
	second := ""
	for _, set := range addrs.Corners {
		if set.Secondary != "" {
			second = set.Secondary
			t.say("second STUN address for %s: %s (NAT behaviour is fully measurable)", set.Primary, set.Secondary)
		}
	}
	switch {
	case len(c.STUNPartner) > 0:
		t.say("waiting for %s to lend the second STUN address; until then, whether a NAT minds addresses is not measurable", strings.Join(c.STUNPartner, " and "))
	case second == "" && c.PartnerKey != "":
		t.say("no second STUN address until a partner comes that is started with --stun-partner and the same key")
	case second == "":
		t.say("no second STUN address: whether a NAT minds addresses is not measurable; give one with --stun-alt-ip, or lend another machine's with --stun-partner")
	}
	t.say("stop with Ctrl-C")
}
