package api

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubline/api/auth"
	"hubline/replay/ledger"
	"hubline/transports"
)

// A token that passed a moment ago, and is remembered for that, does not pass when it is
// revoked: at no call, also where those seen before are spared the look at failures.
func TestRevokedTokensThatAreRememberedDoNotPass(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.Callers.AuthFailures = three })
	token := f.token(auth.Claims{ID: "one", Scopes: auth.ScopePublish | auth.ScopeRead | auth.ScopeAdmin})
	f.subscribeTo(token, "c")
	calls := []struct{ method, path, body string }{
		{http.MethodGet, "/api/v1/stats", ""},
		{http.MethodPost, "/api/v1/users/berta/events", `{"type":"a"}`},
		{http.MethodPost, "/channels/subscribe", `{"channel":"d"}`},
		{http.MethodGet, "/channels/c/members", ""},
	}
	for _, c := range calls {
		if a := f.send(c.method, c.path, token, c.body); a.status/100 != 2 {
			t.Fatalf("%s: %d %s", c.path, a.status, a.body)
		}
	}
	f.revoke(`{"jti":"one"}`)
	for _, c := range calls[:3] {
		if a := f.send(c.method, c.path, token, c.body); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
	}
	// By now the address has failed too often, and nothing new is looked at.
	f.wantLimited(f.send(http.MethodGet, "/events?wait=0", token, ""), "auth-failure-rate-per-ip")
}

// Of two revocations the disk knows what the memory does: a later and narrower one does
// not bring back, with the next start, tokens that are refused now.
func TestRevocationsAreWrittenAsTheyHold(t *testing.T) {
	disk, change := onDisk(t)
	f := newFixture(t, change)
	t.Cleanup(f.broker.Close)
	old := time.Now().Add(-time.Hour).UnixMilli()
	f.revoke(`{"jti":"one"}`)
	f.revoke(fmt.Sprintf(`{"jti":"one","issuedBefore":%d}`, old))
	f.revoke(`{"user":"anna"}`)
	f.revoke(fmt.Sprintf(`{"user":"anna","issuedBefore":%d}`, old))
	held := auth.NewRevocations(0)
	disk.Facts(ledger.Revoked, func(fact ledger.Fact) bool {
		v, ok := auth.ReadRevocation(fact.Of, fact.Name, fact.Value)
		held.Restore(v)
		return ok
	})
	for _, id := range []auth.Identity{
		{User: "berta", TokenID: "one", IssuedAt: time.Now()},
		{User: "anna", IssuedAt: time.Now().Add(-time.Minute)},
	} {
		if !held.Revoked(&id) {
			t.Errorf("%+v is accepted behind the next start", id)
		}
	}
}

// writes counts those of facts.
type writes struct {
	*refusing
	facts atomic.Int32
}

func (w *writes) SaveFacts(facts []ledger.Fact) error {
	w.facts.Add(1)
	return w.refusing.SaveFacts(facts)
}

// Revocations that expire together are not removed one by one: whoever has to revoke a
// token would wait for all of them.
func TestExpiredRevocationsAreForgottenTogether(t *testing.T) {
	disk, _ := onDisk(t)
	counted := &writes{refusing: disk}
	f := newFixture(t, func(s *setup) { s.broker.Ledger, s.replay.Backing = counted, counted })
	t.Cleanup(f.broker.Close)
	const revoked = 2*forgottenAtOnce + 1
	var saving sync.WaitGroup
	for i := range revoked {
		v := must(f.api.verify.Revocations().Add(auth.Revocation{TokenID: fmt.Sprint(i), Until: time.Now().Add(time.Hour)}))
		saving.Go(func() {
			if err := f.broker.SaveRevocation(v.Record()); err != nil {
				t.Error(err)
			}
		})
	}
	saving.Wait()
	counted.facts.Store(0)
	f.api.ForgetRevocations(t.Context(), time.Now().Add(2*time.Hour))
	left := f.api.verify.Revocations().Len()
	disk.Facts(ledger.Revoked, func(ledger.Fact) bool { left++; return true })
	if n := counted.facts.Load(); left != 0 || n != 3 {
		t.Errorf("%d are left, after %d writes", left, n)
	}
}

// Whoever is being sent away changes no membership on the way out.
func TestRevokedConnectionsJoinNothing(t *testing.T) {
	f := newFixture(t)
	id := &auth.Identity{User: "anna", IssuedAt: time.Now()}
	conn := f.conns.Open(scopeEvents, id.User, "192.0.2.1", id, transports.WebSockets, false)
	defer conn.End(transports.ReasonRevoked)
	if err := f.api.connectionMembership(t.Context(), conn, "before", true); err != nil {
		t.Fatal(err)
	}
	f.revoke(`{"user":"anna"}`)
	if err := f.api.connectionMembership(t.Context(), conn, "behind", true); err == nil || asProblem(err).slug != "token-revoked" {
		t.Errorf("%v", err)
	}
	if got := f.broker.Channels("anna"); len(got) != 1 || got[0] != "before" {
		t.Errorf("in %v", got)
	}
}

// A renewal that a revocation overtakes ends the connection: whoever looked for those to
// be ended has looked before it had the new token.
func TestARenewalDoesNotEscapeARevocation(t *testing.T) {
	f := newFixture(t)
	first, second := &auth.Identity{User: "anna", TokenID: "one"}, &auth.Identity{User: "anna", TokenID: "two"}
	conn := f.conns.Open(scopeEvents, first.User, "192.0.2.1", first, transports.WebSockets, false)
	defer conn.End(transports.ReasonRevoked)
	f.revoke(`{"jti":"two"}`)
	if _, err := f.api.renew(conn, second); !errors.Is(err, auth.ErrRevoked) {
		t.Errorf("%v", err)
	}
}
