package subscribe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAServerThatCannotBeTrustedEnds(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	secure, plain := httptest.NewUnstartedServer(refuse), httptest.NewUnstartedServer(refuse)
	for _, s := range []*httptest.Server{secure, plain} {
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
	}
	secure.StartTLS()
	defer secure.Close()
	plain.Start()
	defer plain.Close()
	for _, transport := range transports {
		for want, server := range map[string]string{
			"certificate": secure.URL,
			"HTTP":        strings.Replace(plain.URL, "http:", "https:", 1),
		} {
			err := Run(t.Context(), Config{Server: server, Transport: transport, Token: func(context.Context) (string, error) { return "t", nil }}, Handler{})
			if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "first record does not look like a TLS handshake") {
				t.Errorf("%s of %s: Run returned %v, want one of the %s", transport, server, err, want)
			}
		}
	}
}

func TestACertificateThatMayCountLaterIsTriedAgain(t *testing.T) {
	unknown := error(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})
	expired := error(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}})
	for _, tt := range []struct {
		err   error
		first bool // the first connection
		want  bool
	}{
		{unknown, true, true},
		{unknown, false, false}, // the server is being replaced
		{expired, true, false},
		{http.ErrSchemeMismatch, false, false},
	} {
		s := subscriber{everConnected: !tt.first}
		if got := s.final(fmt.Errorf("connect: %w", tt.err)); got != tt.want {
			t.Errorf("%v, the first time %v: final %v, want %v", tt.err, tt.first, got, tt.want)
		}
	}
}
