package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A token as Vaultwarden issues it, about 800 bytes.
func benchToken(b *testing.B, alg string, key any) string {
	return sign(b, alg, key, payload(map[string]any{
		"nbf": epoch.Unix(), "iss": "https://vault.example|login", "sub": "6a7b5d1e-4c0e-4b8e-9d2f-0c7d5d1b6a11", "premium": true,
		"name": "Anna Example", "email": "anna@example.org", "email_verified": true, "sstamp": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
		"device": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "devicetype": "9", "client_id": "web", "scope": []string{"api", "offline_access"}, "amr": []string{"Application"},
	}), nil)
}

func BenchmarkVerifyHit(b *testing.B) {
	v := newVerifier(b, Config{Secret: testSecret})
	token := benchToken(b, "HS256", testSecret)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(token)), "B/token")
}

func BenchmarkVerifyHitParallel(b *testing.B) {
	v := newVerifier(b, Config{Secret: testSecret})
	token := benchToken(b, "HS256", testSecret)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.Verify(context.Background(), token); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkVerifyMiss(b *testing.B) {
	for _, bm := range []struct {
		alg string
		key any
	}{{"HS256", testSecret}, {"RS256", rsaKey()}, {"ES256", p256Key()}, {"EdDSA", edKey()}} {
		b.Run(bm.alg, func(b *testing.B) {
			v := newVerifier(b, Config{
				Secret: testSecret, PublicKeyPEM: [][]byte{publicPEM(rsaKey()), publicPEM(p256Key()), publicPEM(edKey())},
			})
			token := benchToken(b, bm.alg, bm.key)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				v.cache.lru.Purge()
				if _, err := v.Verify(ctx, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkKeysLookup(b *testing.B) {
	var keys Keys
	key := NewKey()
	if err := keys.Add("local", ScopePublish, HashKey(key)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := keys.Lookup(key); !ok {
			b.Fatal("not found")
		}
	}
}

// BenchmarkLookupKey is a key of the second of two sets, as one in a keys file is.
func BenchmarkLookupKey(b *testing.B) {
	var first, second Keys
	key := NewKey()
	for k, name := range map[*Keys]string{&first: NewKey(), &second: key} {
		if err := k.Add("local", ScopePublish, HashKey(name)); err != nil {
			b.Fatal(err)
		}
	}
	sets := []*Keys{&first, &second}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := LookupKey(key, sets...); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkFromRequest(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/events?since=k7q2-57&access_token=aaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbb.cccccccc", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := FromRequest(r, true); !ok {
			b.Fatal("not found")
		}
	}
}
