package notify

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of [Config].
const (
	defaultAttemptTimeout = 15 * time.Second
	defaultMaxAttempts    = 10
	defaultMaxElapsed     = time.Minute
	defaultMinBackoff     = 100 * time.Millisecond
	defaultMaxBackoff     = 10 * time.Second
	defaultBatchItems     = 1000    // max-batch-items of the server
	defaultBatchBytes     = 8 << 20 // max-batch-bytes
	maxIdlePerHost        = 64      // connections that are kept for the next calls
)

// Config of a [Notifier]. URL and APIKey are needed, of the rest the zero value works.
type Config struct {
	// URL is the server's address with its base path, such as
	// "https://events.example.org" or "http://127.0.0.1:8080/realtime".
	URL string
	// APIKey is an API key, or a token whose claim scope has what the calls need:
	// publish for sending, read for looking, admin for the rest.
	APIKey string
	// HTTPClient makes the requests: for certificates, proxies and tracing of your
	// own. Its Transport should keep connections. Redirects are not followed, whatever
	// its CheckRedirect says: a publish must not become a GET. It is not changed.
	// Nil means a client of the Notifier's own, with up to 64 idle connections.
	HTTPClient *http.Client

	// AttemptTimeout bounds one try, from the connecting to the last byte of the
	// answer. Zero means 15 s.
	AttemptTimeout time.Duration
	// MaxAttempts bounds the tries of a call, the first included; of SendToUsers those
	// in a row that bring nothing. Zero means 10; 1 tries once.
	MaxAttempts int
	// MaxElapsed bounds how long after its beginning a call is tried again, in all.
	// Zero means 1 min.
	MaxElapsed time.Duration
	// MinBackoff and MaxBackoff bound the pauses. The n-th is random between zero and
	// MinBackoff doubled n-1 times, or MaxBackoff if that is less; what the server
	// asks for comes before. Zero means 100 ms and 10 s.
	MinBackoff, MaxBackoff time.Duration

	// MaxBatchItems and MaxBatchBytes bound one request of SendToUsers. Servers
	// with lower limits (max-batch-items, max-batch-bytes) are sent less after their
	// first refusal. Zero means 1000 and 8 MiB.
	MaxBatchItems, MaxBatchBytes int
}

// Validate reports everything that is wrong with the configuration, joined by
// [errors.Join]. It does not ask the server.
func (c Config) Validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	u, err := url.Parse(c.URL)
	check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "",
		"URL is not an address such as https://events.example.org or http://127.0.0.1:8080/base, without user, query and fragment")
	check(c.APIKey != "", "APIKey is missing")
	check(!strings.ContainsFunc(c.APIKey, func(r rune) bool { return r <= ' ' || r >= 0x7f }),
		"APIKey has characters that a header cannot carry; perhaps it ends with the line end of its file")
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"AttemptTimeout", c.AttemptTimeout}, {"MaxElapsed", c.MaxElapsed}, {"MinBackoff", c.MinBackoff}, {"MaxBackoff", c.MaxBackoff},
	} {
		check(d.value >= 0, "%s is negative", d.name)
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"MaxAttempts", c.MaxAttempts}, {"MaxBatchItems", c.MaxBatchItems}, {"MaxBatchBytes", c.MaxBatchBytes},
	} {
		check(n.value >= 0, "%s is negative", n.name)
	}
	return errors.Join(problems...)
}

// withDefaults returns c with every zero value filled in.
func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{
		{&c.AttemptTimeout, defaultAttemptTimeout},
		{&c.MaxElapsed, defaultMaxElapsed},
		{&c.MinBackoff, defaultMinBackoff},
		{&c.MaxBackoff, defaultMaxBackoff},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	for _, n := range []struct {
		value *int
		zero  int
	}{
		{&c.MaxAttempts, defaultMaxAttempts}, {&c.MaxBatchItems, defaultBatchItems}, {&c.MaxBatchBytes, defaultBatchBytes},
	} {
		if *n.value == 0 {
			*n.value = n.zero
		}
	}
	c.MaxBackoff = max(c.MaxBackoff, c.MinBackoff)
	return c
}

// Notifier calls the backend API of one server. It is safe for concurrent use and
// has no goroutine of its own; connections that are kept for later are closed by
// [Notifier.Close].
type Notifier struct {
	cfg   Config
	base  string // URL without a slash at the end, and the API's prefix
	auth  []string
	http  *http.Client
	owned bool // http is ours to close
}

// New returns a Notifier. It does not talk to the server; its error is that of
// [Config.Validate].
func New(cfg Config) (*Notifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	cfg = cfg.withDefaults()
	n := &Notifier{
		cfg: cfg, base: strings.TrimRight(cfg.URL, "/") + "/api/v1", auth: []string{"Bearer " + cfg.APIKey},
		http: &http.Client{}, owned: cfg.HTTPClient == nil,
	}
	if n.owned {
		t := &http.Transport{Proxy: http.ProxyFromEnvironment}
		if d, ok := http.DefaultTransport.(*http.Transport); ok {
			t = d.Clone()
		}
		t.MaxIdleConns, t.MaxIdleConnsPerHost = maxIdlePerHost, maxIdlePerHost
		n.http.Transport = t
	} else {
		*n.http = *cfg.HTTPClient
	}
	n.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return n, nil
}

// Close closes the connections that are kept for later calls, unless they belong to
// a [Config.HTTPClient]. Calls that are under way go on, and later ones connect anew.
func (n *Notifier) Close() {
	if n.owned {
		n.http.CloseIdleConnections()
	}
}
