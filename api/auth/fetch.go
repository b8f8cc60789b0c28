package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

const (
	// jwksTimeout bounds one fetch, and with it how long a token that none of the
	// keys fits can hold up its request.
	jwksTimeout = 10 * time.Second
	// maxJWKSBytes bounds the answer to a fetch; a set of ten RSA keys with
	// certificates has about 30 KiB.
	maxJWKSBytes = 1 << 20
	// maxRedirects is enough for an address that has moved.
	maxRedirects = 3
	// minRetryInterval and maxRetryInterval bound the pauses between attempts at
	// the first fetch.
	minRetryInterval = time.Second
	maxRetryInterval = time.Minute
)

// start repeats the first fetch until it succeeds; after that jwkset repeats it
// at intervals until ctx ends.
func (k *jwksKeys) start(ctx context.Context, cfg Config) {
	client := fetchClient(cfg.HTTPClient)
	warn := func(_ context.Context, err error) {
		if ctx.Err() != nil {
			return // shutting down
		}
		cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "JWK set not fetched",
			slog.String("host", hostOf(cfg.JWKSURL)), slog.Any("err", withoutURL(err)))
	}
	first := true
	attempt := func() (struct{}, error) {
		err := k.connect(ctx, cfg, client, warn)
		if err != nil {
			warn(ctx, err)
		}
		if first {
			first = false
			close(k.tried)
		}
		return struct{}{}, err
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = minRetryInterval
	pause.MaxInterval = maxRetryInterval
	// The only error left is that of ctx, which nobody waits for.
	_, _ = backoff.Retry(ctx, attempt, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
}

// connect fetches the set and sets up its refreshing, or does neither.
func (k *jwksKeys) connect(ctx context.Context, cfg Config, client *http.Client, warn func(context.Context, error)) error {
	// jwkset starts refreshing before its first fetch has succeeded; if that
	// fails, only stop ends it.
	refreshCtx, stop := context.WithCancel(ctx)
	connected := false
	defer func() {
		if !connected {
			stop()
		}
	}()
	storage, err := jwkset.NewStorageFromHTTP(cfg.JWKSURL, jwkset.HTTPClientStorageOptions{
		Client:              client,
		Ctx:                 refreshCtx,
		HTTPTimeout:         jwksTimeout,
		RefreshInterval:     cfg.JWKSRefresh,
		RefreshErrorHandler: warn,
		Storage:             k.set,
	})
	if err != nil {
		return err
	}
	remote, err := jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
		HTTPURLs:         map[string]jwkset.Storage{cfg.JWKSURL: storage},
		RateLimitWaitMax: jwksTimeout,
		// Its limiter would make requests wait; the one of jwksKeys turns them away.
		RefreshUnknownKID: rate.NewLimiter(rate.Inf, 1),
	})
	if err != nil {
		return err
	}
	// jwkset fetches for a key id that it does not have only; nobody has this one.
	fetch := func() { _, _ = remote.KeyRead(ctx, rand.Text()) }
	k.remote.Store(&fetch)
	connected = true
	cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "JWK set fetched", slog.String("host", hostOf(cfg.JWKSURL)))
	return nil
}

// fetchClient returns a copy of client that reads no answer over maxJWKSBytes
// and, unless client has rules of its own, does not follow from https to http:
// whoever stands in the way there could add a key.
func fetchClient(client *http.Client) *http.Client {
	c := http.Client{Timeout: jwksTimeout}
	if client != nil {
		c = *client
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Transport = limitedTransport{next: c.Transport}
	if c.CheckRedirect == nil {
		c.CheckRedirect = checkRedirect
	}
	return &c
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects")
	}
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return errors.New("redirected from https to http")
	}
	return nil
}

// limitedTransport cuts answers at maxJWKSBytes: the decoder would otherwise
// read for as long as the other side writes.
type limitedTransport struct {
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxJWKSBytes)
	}
	return response, err
}

// hostOf names a server in a log without login, path and query.
func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// withoutURL takes the address out of an error of net/http.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
