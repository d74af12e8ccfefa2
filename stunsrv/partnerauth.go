package stunsrv

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"syscall"
)

const (
	// partnerPreface begins a connection between partners, on a STUN port over TCP. Its first byte begins neither STUN (RFC 8489 section 5: two zero bits), nor TURN's
	// ChannelData (RFC 7983 section 7: 64 to 79), nor whoami.
	partnerPreface = "icescope-partner/1\n"
	// MinPartnerKey is in characters. Whoever pretends to be a partner gets one proof to try keys on at leisure, so the key must not be a word.
	MinPartnerKey = 16
	// exporterLabel makes the keying material of a TLS session this protocol's own (RFC 5705).
	exporterLabel = "EXPORTER-icescope-partner-1"
	proofSize     = sha256.Size
)

// Errors of the introduction between partners.
var (
	errPartnerKey   = errors.New("the two have different keys; give both the same --stun-partner-key")
	errNoPartner    = errors.New("it closed the connection at once; is it an icescope that was started with --stun-partner-key?")
	errNotAPreface  = errors.New("not a partner's greeting")
	errPartnerProof = errors.New("no proof of the key came")
)

// The two ends prove that they have the key each for itself: a proof that is sent back proves nothing.
const (
	proofOfDialer   = "dialer"
	proofOfAccepter = "accepter"
)

// introduce makes conn, on which nothing has been sent yet, a secure connection to whoever has the same key, or fails.
//
// TLS 1.3 keeps the frames whole, in order, once each, and secret. Its certificates prove nothing: closed networks have no authority that both know, and no common clock. What
// proves who is there is an HMAC with the key over the session's exported keying material (RFC 5705, RFC 9266), both ways. Who stands in between has two sessions, and
// so two materials. The dialer goes first: whoever only connects gets nothing to try keys on.
func introduce(conn net.Conn, key string, dialer bool) (net.Conn, error) {
	config, err := partnerTLS()
	if err != nil {
		return nil, err
	}
	var secure *tls.Conn
	if dialer {
		if _, err := io.WriteString(conn, partnerPreface); err != nil {
			return nil, err
		}
		secure = tls.Client(conn, config)
	} else {
		preface := make([]byte, len(partnerPreface))
		if _, err := io.ReadFull(conn, preface); err != nil || string(preface) != partnerPreface {
			return nil, errNotAPreface
		}
		secure = tls.Server(conn, config)
	}
	if err := secure.Handshake(); err != nil {
		if dialer && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
			return nil, errNoPartner
		}
		return nil, err
	}
	state := secure.ConnectionState()
	material, err := state.ExportKeyingMaterial(exporterLabel, nil, sha256.Size)
	if err != nil {
		return nil, err
	}
	mine, theirs := proof(key, proofOfDialer, material), proof(key, proofOfAccepter, material)
	if !dialer {
		mine, theirs = theirs, mine
	}
	if dialer {
		if _, err := secure.Write(mine); err != nil {
			return nil, err
		}
	}
	got := make([]byte, proofSize)
	if _, err := io.ReadFull(secure, got); err != nil {
		return nil, fmt.Errorf("%w: %w", errPartnerProof, err)
	}
	ok := hmac.Equal(got, theirs)
	if !ok {
		mine = make([]byte, proofSize) // so that the dialer learns why
	}
	if !dialer {
		if _, err := secure.Write(mine); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, errPartnerKey
	}
	return secure, nil
}

func proof(key, role string, material []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(role))
	mac.Write(material)
	return mac.Sum(nil)
}

// partnerTLS has a certificate for this connection alone.
func partnerTLS() (*tls.Config, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}},
		InsecureSkipVerify: true, // the proof of the key takes the place of the certificate
	}, nil
}

// readAhead is a connection of which some bytes have been read.
type readAhead struct {
	net.Conn
	read *bytes.Reader
}

func (r *readAhead) Read(b []byte) (int, error) {
	if r.read.Len() > 0 {
		return r.read.Read(b)
	}
	return r.Conn.Read(b)
}
