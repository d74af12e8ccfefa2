package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// made is the certificate for names at a time, as a server that starts then gets it.
func made(t *testing.T, dir string, now time.Time, names ...string) tls.Certificate {
	t.Helper()
	c, err := selfSigned(dir, names, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := c.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	return c
}

func sameKey(a, b tls.Certificate) bool {
	return bytes.Equal(a.Leaf.RawSubjectPublicKeyInfo, b.Leaf.RawSubjectPublicKeyInfo)
}

func TestSelfSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first := made(t, dir, now, "localhost", "192.0.2.1")

	if again := made(t, dir, now.AddDate(1, 0, 0), "localhost", "192.0.2.1"); !again.Leaf.Equal(first.Leaf) {
		t.Error("a year later there is another certificate: every user has to accept it again")
	}
	moved := made(t, dir, now, "localhost", "192.0.2.2", "2001:db8::1", "scope.example")
	if moved.Leaf.Equal(first.Leaf) || !sameKey(moved, first) {
		t.Error("a new address needs a new certificate of the same key")
	}
	late := made(t, dir, now.Add(certificateLife-certificateRenew), "localhost")
	if late.Leaf.Equal(moved.Leaf) || !sameKey(late, first) {
		t.Error("an ending certificate needs a new one of the same key")
	}
	if late.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 {
		t.Error("two certificates have one serial number: Firefox refuses that with no way around")
	}
	for _, name := range []string{certificateFile, keyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

// TestCertificateRules are what browsers ask of a server certificate.
func TestCertificateRules(t *testing.T) {
	now := time.Now()
	leaf := made(t, t.TempDir(), now, "localhost").Leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 825*24*time.Hour {
		t.Errorf("it lives for %v; Apple's platforms take 825 days", life)
	}
	if !leaf.NotBefore.Before(now.Add(-time.Hour)) {
		t.Error("a client whose clock is an hour slow refuses it")
	}
	if leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("it may be used for more than this server: CA %t, %v", leaf.IsCA, leaf.ExtKeyUsage)
	}
}

func TestBrokenKeyIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keyFile), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	made(t, dir, time.Now(), "localhost")
	if _, err := tls.LoadX509KeyPair(filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile)); err != nil {
		t.Error(err)
	}
}

// TestUnwritableDirectory: HTTPS goes on with a certificate in memory, and the log says what to do.
func TestUnwritableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c, err := selfSigned(filepath.Join(file, "below"), []string{"localhost"}, time.Now(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || c.Leaf == nil {
		t.Fatalf("no certificate: %v", err)
	}
	if !strings.Contains(log.String(), "--tls-dir") {
		t.Errorf("the log does not say what to try:\n%s", log.String())
	}
}
