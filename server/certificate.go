package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

const (
	// certificateLife: each new certificate costs every user a click through the browser's warning, so it is as long as it may be. Apple's
	// platforms refuse server certificates of more than 825 days, whoever signed them; the public authorities' 398 days bind only authorities.
	certificateLife = 824 * 24 * time.Hour
	// certificateBackdate: machines without internet have wrong clocks, and a certificate from the future is refused without a way around.
	certificateBackdate = 24 * time.Hour
	// certificateRenew is how long before its end a certificate is made anew at start: longer than a server is usually left running.
	certificateRenew = 60 * 24 * time.Hour

	certificateFile = "icescope-cert.pem"
	keyFile         = "icescope-key.pem"
)

// selfSigned gives the certificate for HTTPS: the one kept in dir while it covers all names and is not about to end, else a new one, which it keeps there.
// The key stays when the certificate changes, so that what was pinned to the key (RFC 7469 section 2.4) goes on working. Where dir cannot be
// written the certificate lives in memory only: HTTPS matters more than its memory.
func selfSigned(dir string, names []string, now time.Time, log *slog.Logger) (tls.Certificate, error) {
	kept, err := tls.LoadX509KeyPair(filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile))
	if err == nil && stillGood(kept.Leaf, names, now) {
		return kept, nil
	}
	key, err := keptKey(filepath.Join(dir, keyFile))
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			log.Warn("the kept TLS key cannot be used; making a new one", "file", filepath.Join(dir, keyFile), "err", err)
		}
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil { // P-256: every browser has it; Ed25519 none
			return tls.Certificate{}, err
		}
	}
	der, err := newCertificate(key, names, now)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := keep(dir, key, der); err != nil {
		log.Warn("the TLS certificate cannot be kept and will be another one after a restart; name a directory with --tls-dir", "err", err)
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

func newCertificate(key crypto.Signer, names []string, now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		// The serial number is random (nil): Firefox refuses, with no way around, two certificates of one issuer with one number.
		Subject:     pkix.Name{CommonName: "icescope", Organization: []string{"icescope self-signed"}},
		NotBefore:   now.Add(-certificateBackdate),
		NotAfter:    now.Add(certificateLife - certificateBackdate),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		// Not an authority: Firefox refuses an authority as a server's own, and nobody should install one that can sign for any name.
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if addr, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
}

func stillGood(leaf *x509.Certificate, names []string, now time.Time) bool {
	if leaf == nil || now.Before(leaf.NotBefore) || now.Add(certificateRenew).After(leaf.NotAfter) {
		return false
	}
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	return true
}

func keptKey(file string) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T does not sign", key)
	}
	return signer, nil
}

// keep writes key and certificate. The key goes first: a certificate without its key would be made anew at every start.
func keep(dir string, key crypto.Signer, der []byte) error {
	if dir == "" {
		return errors.New("no directory")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := replaceFile(dir, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})); err != nil {
		return err
	}
	return replaceFile(dir, certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// replaceFile writes a whole file or none, readable by its owner only (os.CreateTemp makes it 0600).
func replaceFile(dir, name string, text []byte) error {
	tmp, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// certificateDir is where the certificate is kept unless --tls-dir says otherwise; empty where the user has no such place.
func certificateDir() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "icescope")
}
