package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	cfg := Default()
	if cfg.Addr != "127.0.0.1:8080" || cfg.Data != "./hubline-data" || cfg.LogFormat != "auto" || cfg.LogLevel != "info" {
		t.Errorf("got %+v", cfg)
	}
	if cfg.MaxPublishBytes != 256*KiB || cfg.MaxMessageBytes != 32*KiB || cfg.OutboxBytes != MiB || cfg.LogTotalBytes != 256*MiB {
		t.Errorf("sizes: %+v", cfg)
	}
	if cfg.PingInterval != 15*time.Second || cfg.TicketTTL != time.Minute || cfg.DrainTimeout != 10*time.Second {
		t.Errorf("times: %+v", cfg.Timeouts)
	}
}

func TestValidateNamesTheFlag(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("too-short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open, empty, wide := dataDir(t), dataDir(t), dataDir(t)
	for path, mode := range map[string]os.FileMode{filepath.Join(open, SigningSecretName): 0o644, wide: 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(empty, APIKeyName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		flag   string
	}{
		{"address without port", func(c *Config) { c.Addr = "localhost" }, "addr"},
		{"address with bad port", func(c *Config) { c.Addr = ":70000" }, "addr"},
		{"base path without slash", func(c *Config) { c.BasePath = "x" }, "base-path"},
		{"base path with slash at the end", func(c *Config) { c.BasePath = "/x/" }, "base-path"},
		{"base path root", func(c *Config) { c.BasePath = "/" }, "base-path"},
		{"base path with dots", func(c *Config) { c.BasePath = "/a/../b" }, "base-path"},
		{"certificate without key", func(c *Config) { c.TLSCert = short }, "tls-cert"},
		{"absent certificate", func(c *Config) { c.TLSCert, c.TLSKey = filepath.Join(dir, "absent"), short }, "tls-cert"},
		{"certificate that is none", func(c *Config) { c.TLSCert, c.TLSKey = short, short }, "tls-cert"},
		{"directory as key", func(c *Config) { c.TLSCert, c.TLSKey = short, dir }, "tls-key"},
		{"origin with path", func(c *Config) { c.AllowedOrigins = []string{"https://a.example/"} }, "allowed-origins"},
		{"origin without scheme", func(c *Config) { c.AllowedOrigins = []string{"a.example"} }, "allowed-origins"},
		{"all origins and one", func(c *Config) { c.AllowedOrigins = []string{"*", "https://a.example"} }, "allowed-origins"},
		{"cookie that is none", func(c *Config) { c.TokenCookie = "a b" }, "token-cookie"},
		{"short secret", func(c *Config) { c.JWTSecretFile = short }, "jwt-secret-file"},
		{"absent key file", func(c *Config) { c.JWTPublicKeyFile = []string{filepath.Join(dir, "absent")} }, "jwt-public-key-file"},
		{"empty key file name", func(c *Config) { c.JWTPublicKeyFile = []string{""} }, "jwt-public-key-file"},
		{"key file without a key", func(c *Config) { c.JWTPublicKeyFile = []string{short} }, "jwt-public-key-file"},
		{"API key file without hashes", func(c *Config) { c.APIKeyFile = short }, "api-key-file"},
		{"data directory that is a file", func(c *Config) { c.Data = short }, "data"},
		{"data directory with an open secret", func(c *Config) { c.Data = open }, "data"},
		{"data directory with an empty key", func(c *Config) { c.Data = empty }, "data"},
		{"data directory for all", func(c *Config) { c.Data = wide }, "data"},
		{"demo with public keys", func(c *Config) { c.Demo, c.JWTPublicKeyFile = true, []string{"testdata/ed25519.pem"} }, "demo"},
		{"demo with a key set", func(c *Config) { c.Demo, c.JWKSURL = true, "https://id.example/keys" }, "demo"},
		{"webhook not a URL", func(c *Config) { c.ChannelWebhook = "allow" }, "channel-webhook"},
		{"webhook with a password", func(c *Config) { c.ChannelWebhook = "https://a:b@c.example" }, "channel-webhook"},
		{"webhook that waits for ever", func(c *Config) { c.ChannelWebhookTimeout = time.Hour }, "channel-webhook-timeout"},
		{"webhook cached for ever", func(c *Config) { c.ChannelWebhookCache = 2 * time.Hour }, "channel-webhook-cache"},
		{"secret of no webhook", func(c *Config) { c.ChannelWebhookSecretFile = short }, "channel-webhook-secret-file"},
		{"no channels", func(c *Config) { c.MaxChannelsPerUser = 0 }, "max-channels-per-user"},
		{"too many members", func(c *Config) { c.MaxChannelMembers = 2_000_000 }, "max-channel-members"},
		{"no presence", func(c *Config) { c.MaxPresenceMembers = 0 }, "max-presence-members"},
		{"a grace of a day", func(c *Config) { c.PresenceGrace = 24 * time.Hour }, "presence-grace"},
		{"no memberships", func(c *Config) { c.MaxMemberships = 0 }, "max-memberships"},
		{"jwks not a URL", func(c *Config) { c.JWKSURL = "keys.json" }, "jwks-url"},
		{"negative leeway", func(c *Config) { c.JWTLeeway = -1 }, "jwt-leeway"},
		{"absent API keys", func(c *Config) { c.APIKeyFile = filepath.Join(dir, "absent") }, "api-key-file"},
		{"no batch items", func(c *Config) { c.MaxBatchItems = 0 }, "max-batch-items"},
		{"negative per user", func(c *Config) { c.MaxConnectionsPerUser = -1 }, "max-connections-per-user"},
		{"no connections", func(c *Config) { c.MaxConnections = 0 }, "max-connections"},
		{"batch below publish", func(c *Config) { c.MaxBatchBytes = 1024 }, "max-batch-bytes"},
		{"outbox below event", func(c *Config) { c.OutboxBytes = c.MaxPublishBytes }, "outbox-bytes"},
		{"log below event", func(c *Config) { c.LogBytes = c.MaxPublishBytes }, "log-bytes"},
		{"all logs below one", func(c *Config) { c.LogTotalBytes = c.LogBytes - 1 }, "log-total-bytes"},
		{"long ticket", func(c *Config) { c.TicketTTL = 61 * time.Second }, "ticket-ttl"},
		{"timeout at ping", func(c *Config) { c.ClientTimeout = c.PingInterval }, "client-timeout"},
		{"no ping interval", func(c *Config) { c.PingInterval = 0 }, "ping-interval"},
		{"negative drain", func(c *Config) { c.DrainTimeout = -1 }, "drain-timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Default()
			tt.change(&cfg)
			err := cfg.Validate()
			if err == nil || !strings.HasPrefix(err.Error(), "--"+tt.flag+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("Validate() = %v, want one problem with --%s", err, tt.flag)
			}
		})
	}
}

// dataDir returns a data directory as the server makes it.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := OpenDataDir(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestValidateAccepts(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"memory only":   func(c *Config) { c.Data = "" },
		"data":          func(c *Config) { c.Data = dataDir(t) },
		"new data":      func(c *Config) { c.Data = filepath.Join(dir, "new") },
		"certificate":   func(c *Config) { c.TLSCert, c.TLSKey = certificate(t) },
		"demo":          func(c *Config) { c.Demo, c.JWTSecretFile = true, secret },
		"free port":     func(c *Config) { c.Addr = "[::1]:0" },
		"base path":     func(c *Config) { c.BasePath = "/a/b" },
		"origins":       func(c *Config) { c.AllowedOrigins = []string{"https://a.example:8443", "capacitor://localhost"} },
		"cookie":        func(c *Config) { c.TokenCookie = "__Host-hubline" },
		"secret file":   func(c *Config) { c.JWTSecretFile = secret },
		"key file":      func(c *Config) { c.JWTPublicKeyFile = []string{"testdata/ed25519.pem"} },
		"jwks":          func(c *Config) { c.JWKSURL = "https://id.example/keys" },
		"drain at once": func(c *Config) { c.DrainTimeout = 0 },
	} {
		cfg := Default()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	cfg := Default()
	cfg.Addr, cfg.LogEvents, cfg.PingInterval = "x", 0, 0
	cfg.JWTSecretFile, cfg.JWKSURL = "absent", "x"
	var got []string
	for line := range strings.Lines(cfg.Validate().Error()) {
		flag, _, _ := strings.Cut(line, ":")
		got = append(got, flag)
	}
	want := []string{"--addr", "--jwt-secret-file", "--jwt-secret-file", "--jwks-url", "--log-events", "--ping-interval"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
}

// Every flag can be set on the command line, by HUBLINE_<FLAG> and by the same
// word in the file, and says what it is.
func TestEveryFieldIsAFlagWithEnvAndKey(t *testing.T) {
	active, _ := flagsOf(t, "serve")
	var names []string
	for _, flag := range active {
		names = append(names, flag.Name)
		if want := EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")); !cmp.Equal(flag.Envs, []string{want}) {
			t.Errorf("--%s: environment %v, want %s", flag.Name, flag.Envs, want)
		}
		if !cmp.Equal(keys(flag), []string{flag.Name}) {
			t.Errorf("--%s: keys %v", flag.Name, keys(flag))
		}
		if flag.Help == "" || !flag.Hidden && flag.Group == nil {
			t.Errorf("--%s has no help or no group", flag.Name)
		}
	}
	if got, want := len(names), fields(reflect.TypeFor[Config]()); got != want {
		t.Errorf("%d flags for %d fields: %v", got, want, names)
	}
	for _, want := range []string{
		"addr", "data", "jwt-secret-file", "jwt-public-key-file", "jwks-url", "jwt-issuer", "jwt-audience", "api-key-file",
		"allowed-origins", "base-path", "tls-cert", "tls-key", "log-format", "max-connections-per-ip", "negotiate-ttl", "ticket-ttl",
	} {
		if !cmp.Equal(1, count(names, want)) {
			t.Errorf("flag --%s is missing in %v", want, names)
		}
	}
}

func count(list []string, name string) (n int) {
	for _, item := range list {
		if item == name {
			n++
		}
	}
	return n
}

func fields(typ reflect.Type) (n int) {
	for field := range typ.Fields() {
		if field.Anonymous {
			n += fields(field.Type)
		} else {
			n++
		}
	}
	return n
}

// certificate writes a certificate and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
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
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
