package subscribe

import (
	"context"
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

func TestACertificateThatChangesIsTriedAgain(t *testing.T) {
	s := subscriber{everConnected: true}
	if s.final(http.ErrSchemeMismatch) {
		t.Error("a server that is being replaced ends the run")
	}
}
