package api

import (
	"net/http"
	"net/netip"
	"time"

	"hubline/api/auth"
	"hubline/internal/ratelimit"
)

// Limits bound what callers may do; the zero value none of it.
type Limits struct {
	API          ratelimit.Rate // calls of one API key or one token's user; a batch weighs its events
	Connects     ratelimit.Rate // attempts to connect and to negotiate from one address
	Requests     ratelimit.Rate // requests of one user's clients, polls included
	AuthFailures ratelimit.Rate // refused credentials from one address
	Messages     ratelimit.Rate // of one connected client, before it is read more slowly
	Subjects     int            // that each rate remembers; zero: 65,536

	// MaxAnonymous and MaxAnonymousPerIP bound connections without a user, in all
	// and per address. Zero: none are let in.
	MaxAnonymous, MaxAnonymousPerIP int
}

// limits are the buckets. Tables without a limit are nil and let everything pass.
type limits struct {
	keys, users *ratelimit.Table[string] // API, by name of the key and by user
	connects    *ratelimit.Table[netip.Addr]
	requests    *ratelimit.Table[string]
	failures    *ratelimit.Table[netip.Addr]
}

func newLimits(l Limits) *limits {
	return &limits{
		keys: ratelimit.New[string](l.API, l.Subjects), users: ratelimit.New[string](l.API, l.Subjects),
		connects: ratelimit.New[netip.Addr](l.Connects, l.Subjects),
		requests: ratelimit.New[string](l.Requests, l.Subjects),
		failures: ratelimit.New[netip.Addr](l.AuthFailures, l.Subjects),
	}
}

// Sweep forgets callers that have been quiet. It is called now and then.
func (a *API) Sweep(now time.Time) {
	l := a.limits
	l.keys.Sweep(now)
	l.users.Sweep(now)
	l.connects.Sweep(now)
	l.requests.Sweep(now)
	l.failures.Sweep(now)
}

// tooOften is the answer to who is over a rate.
func tooOften(wait time.Duration, detail string) *Problem {
	p := problem("rate-limited", detail)
	p.retryAfter = wait
	return p
}

// callerOf is the bucket of a backend: its key's, or that of its token's user.
func (l *limits) callerOf(id *auth.Identity) (*ratelimit.Table[string], string) {
	if id.KeyName != "" {
		return l.keys, id.KeyName
	}
	return l.users, id.User
}

// spend counts n calls of a backend.
func (a *API) spend(id *auth.Identity, n int) error {
	calls, name := a.limits.callerOf(id)
	if wait, ok := calls.Take(name, n); !ok {
		return tooOften(wait, "Nothing was done. Try again after Retry-After; see api-rate, of which a batch takes one for each event.")
	}
	return nil
}

// owe counts n calls that have been made already.
func (a *API) owe(id *auth.Identity, n int) {
	calls, name := a.limits.callerOf(id)
	calls.Charge(name, n)
}

// attempt counts an attempt to connect or to negotiate, before anything is looked
// at that costs more. What has no address does not count.
func (a *API) attempt(r *http.Request) error {
	if a.limits.connects == nil {
		return nil
	}
	addr := a.clientAddr(r)
	if !addr.IsValid() {
		return nil
	}
	if wait, ok := a.limits.connects.Take(ratelimit.Network(addr), 1); !ok {
		return tooOften(wait, "Your address connects too often. Try again after Retry-After; see connect-rate-per-ip, and trusted-proxies if there is a proxy.")
	}
	return nil
}

// subscriber is client for what counts as a request of the user's.
func (a *API) subscriber(r *http.Request) (*auth.Identity, error) {
	id, err := a.client(r)
	if err != nil {
		return nil, err
	}
	if wait, ok := a.limits.requests.Take(id.User, 1); !ok {
		return nil, tooOften(wait, "This user's clients ask too often. Try again after Retry-After; see request-rate-per-user.")
	}
	return id, nil
}

// verified is the verifier, for an address that has not sent too much that it
// refused. A token that it has seen before is not looked at twice, and so passes.
// Failures count when they are known: those of one moment may be more than the
// bucket holds.
func (a *API) verified(r *http.Request, token string) (*auth.Identity, error) {
	if a.limits.failures == nil {
		return a.verify.Verify(r.Context(), token)
	}
	if id, ok := a.verify.Known(token); ok {
		return id, nil
	}
	addr := ratelimit.Network(a.clientAddr(r))
	if addr.IsValid() {
		if wait, ok := a.limits.failures.Check(addr); !ok {
			return nil, tooOften(wait, "Too many tokens and API keys from your address were refused, so this one was not looked at. Try again after Retry-After; see auth-failure-rate-per-ip, and trusted-proxies if there is a proxy.")
		}
	}
	id, err := a.verify.Verify(r.Context(), token)
	if p := authProblem(err); p != nil && p.Status == http.StatusUnauthorized && addr.IsValid() {
		a.limits.failures.Charge(addr, 1)
	}
	return id, err
}
