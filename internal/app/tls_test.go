package app

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hubline/api/auth"
	"hubline/internal/config"
)

// certificate writes a certificate for 127.0.0.1 and its key, and returns who
// trusts it.
func certificate(t *testing.T) (certFile, keyFile string, trust *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	trust = x509.NewCertPool()
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		text := pem.EncodeToMemory(block)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		trust.AppendCertsFromPEM(text)
	}
	return certFile, keyFile, trust
}

// Over TLS the deadline of one answer does not cut the next, streams go on beyond
// the send timeout, and sockets are counted to their end.
func TestTLSBeyondTheSendTimeout(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			certFile, keyFile, trust := certificate(t)
			s := start(t, func(c *config.Config) {
				c.TLSCert, c.TLSKey = certFile, keyFile
				c.SendTimeout, c.DrainTimeout = 100*time.Millisecond, 200*time.Millisecond
			})
			secret, err := config.ReadSigningSecret(s.dir)
			if err != nil {
				t.Fatal(err)
			}
			token, err := auth.Sign(secret, auth.Claims{User: "anna"})
			if err != nil {
				t.Fatal(err)
			}
			client := func() *http.Client {
				tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, ForceAttemptHTTP2: proto == "HTTP/2.0"}
				t.Cleanup(tr.CloseIdleConnections)
				return &http.Client{Transport: tr}
			}
			do := func(c *http.Client, path string) *http.Response {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+token)
				resp, err := c.Do(req)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				t.Cleanup(func() { _ = resp.Body.Close() })
				if resp.StatusCode != http.StatusOK || resp.Proto != proto {
					t.Fatalf("%s: %s %s", path, resp.Proto, resp.Status)
				}
				return resp
			}
			read := func(resp *http.Response) string {
				b, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			clock := client() // of the server's time

			stream := bufio.NewReader(do(client(), "/events").Body)
			until := func(text string) {
				for line := ""; !strings.Contains(line, text); {
					if line, err = stream.ReadString('\n'); err != nil {
						t.Fatalf("waiting for %q: %v", text, err)
					}
				}
			}
			until("hubline.ready")
			ws, _, err := websocket.Dial(t.Context(), s.url+"/ws", &websocket.DialOptions{ //nolint:bodyclose // the library does
				HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}},
				HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ws.CloseNow() }()

			c := client()
			read(do(c, "/events?wait=0"))
			read(do(clock, "/events?wait=0.4"))
			if got := read(do(c, "/healthz")); got == "" {
				t.Error("no answer")
			}
			read(do(clock, "/events?wait=0.4"))
			publish(t, c, s, "anna")
			until(`"type":"late"`)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if _, m, err := ws.Read(ctx); err != nil || !strings.Contains(string(m), `"late"`) {
				t.Errorf("socket: %s, %v", m, err)
			}
		})
	}
}

// net/http sets HTTP/2 up once, for the listener that it sees first; the parker,
// which has no TLS, may be that.
func TestHTTP2WhicheverListenerIsFirst(t *testing.T) {
	certFile, keyFile, trust := certificate(t)
	cfg := config.Default()
	cfg.Data, cfg.TLSCert, cfg.TLSKey, cfg.DrainTimeout = "", certFile, keyFile, time.Second
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := build(t.Context(), cfg, config.NewSecrets(), slog.New(slog.DiscardHandler), ln)
	if err != nil {
		t.Fatal(err)
	}
	none, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = none.Close()
	_ = s.http.Serve(none) // and so ends at once
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx) }()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, ForceAttemptHTTP2: true}
	resp, err := (&http.Client{Transport: tr}).Get(s.baseURL() + "/healthz")
	if err != nil {
		t.Error(err)
	} else {
		_ = resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Errorf("answered over %s", resp.Proto)
		}
	}
	tr.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func publish(t *testing.T, c *http.Client, s running, user string) {
	t.Helper()
	key, err := config.ReadAPIKey(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/users/"+user+"/events", strings.NewReader(`{"type":"late"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("publish: %s", resp.Status)
	}
}
