// Package webhook asks a backend whether a user may join a channel.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"
)

// ErrUnavailable means that the backend has not said yes or no: it did not answer in
// time, or with a status that is neither. Nobody joins then.
var ErrUnavailable = errors.New("webhook: no answer")

// Config of an Authorizer.
type Config struct {
	// URL that is asked, by POST. Required.
	URL string
	// Secret, if not empty, is sent as Authorization: Bearer.
	Secret string
	// Timeout of one question, waiting for others included. Zero means 3 s.
	Timeout time.Duration
	// CacheTTL is how long an answer counts. Zero means 10 s, negative means not at
	// all; then only questions at the same time share one.
	CacheTTL time.Duration
	// CacheSize is how many answers are kept, those used least lately going first.
	// Zero means 10,000.
	CacheSize int
	// Concurrency is how many questions are under way at a time. Zero means 64.
	Concurrency int
	// Transport that requests go by. Nil means one of its own, without a proxy.
	Transport http.RoundTripper
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	if c.CacheTTL == 0 {
		c.CacheTTL = 10 * time.Second
	}
	if c.CacheSize <= 0 {
		c.CacheSize = 10_000
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 64
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			MaxIdleConnsPerHost: c.Concurrency, MaxConnsPerHost: c.Concurrency, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return c
}

// Question is what the backend is sent, as JSON.
type Question struct {
	User    string `json:"user"`
	Device  string `json:"device"` // may be empty
	Channel string `json:"channel"`
}

// Authorizer is safe for concurrent use.
type Authorizer struct {
	cfg    Config
	client *http.Client
	room   chan struct{} // has a place for each question under way
	flight singleflight.Group

	mu    sync.Mutex
	cache *simplelru.LRU[Question, verdict]

	allowed, refused, failed, cached atomic.Uint64
}

type verdict struct {
	allow bool
	until time.Time
}

// New returns an Authorizer. It asks nothing before it is asked.
func New(cfg Config) *Authorizer {
	cfg = cfg.withDefaults()
	cache, err := simplelru.NewLRU[Question, verdict](cfg.CacheSize, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Authorizer{
		cfg: cfg, room: make(chan struct{}, cfg.Concurrency), cache: cache,
		client: &http.Client{
			Transport: cfg.Transport,
			// A redirect is no answer, and the secret is for nobody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Allowed reports whether the user may join: the backend answers 2xx for yes, and 4xx,
// but for 408 and 429, for no. The same question at the same time is asked once. It
// returns ErrUnavailable, or the context's error.
func (a *Authorizer) Allowed(ctx context.Context, q Question) (bool, error) {
	if v, ok := a.known(q); ok {
		a.cached.Add(1)
		return v, nil
	}
	key, err := json.Marshal(q)
	if err != nil {
		return false, err // three texts always marshal
	}
	answer := a.flight.DoChan(string(key), func() (any, error) {
		// Whoever asked first may leave; the others still want to know.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Timeout)
		defer cancel()
		return a.ask(ctx, q, key)
	})
	select {
	case r := <-answer:
		allow, _ := r.Val.(bool)
		return allow, r.Err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (a *Authorizer) known(q Question) (allow, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := a.cache.Get(q)
	return v.allow, ok && time.Now().Before(v.until)
}

func (a *Authorizer) ask(ctx context.Context, q Question, body []byte) (allow bool, err error) {
	allow, err = a.post(ctx, body)
	switch {
	case err != nil:
		a.failed.Add(1)
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case allow:
		a.allowed.Add(1)
	default:
		a.refused.Add(1)
	}
	if a.cfg.CacheTTL > 0 {
		a.mu.Lock()
		a.cache.Add(q, verdict{allow, time.Now().Add(a.cfg.CacheTTL)})
		a.mu.Unlock()
	}
	return allow, nil
}

func (a *Authorizer) post(ctx context.Context, body []byte) (allow bool, err error) {
	select {
	case a.room <- struct{}{}:
		defer func() { <-a.room }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	if a.cfg.Secret != "" {
		r.Header.Set("Authorization", "Bearer "+a.cfg.Secret)
	}
	res, err := a.client.Do(r)
	if err != nil {
		return false, err
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
		_ = res.Body.Close()
	}()
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return true, nil
	case res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooManyRequests:
	case res.StatusCode >= 400 && res.StatusCode < 500:
		return false, nil
	}
	return false, fmt.Errorf("status %d", res.StatusCode)
}

// Stats are counts since New.
type Stats struct {
	Allowed, Refused uint64 // answers of the backend
	Failed           uint64 // questions without an answer
	Cached           uint64 // answers from memory
}

// Stats reads the counters.
func (a *Authorizer) Stats() Stats {
	return Stats{Allowed: a.allowed.Load(), Refused: a.refused.Load(), Failed: a.failed.Load(), Cached: a.cached.Load()}
}

// Close gives idle sockets back. Questions may still be asked.
func (a *Authorizer) Close() { a.client.CloseIdleConnections() }
