package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzVerify(f *testing.F) {
	cfg := Config{Secret: testSecret, PublicKeyPEM: [][]byte{publicPEM(rsaKey()), publicPEM(p256Key()), publicPEM(edKey())}}
	v := newVerifier(f, cfg)
	for _, token := range []string{
		"", ".", "..", "a.b.c",
		sign(f, "HS256", testSecret, payload(nil), nil),
		sign(f, "ES256", p256Key(), payload(nil), nil),
		sign(f, "EdDSA", edKey(), payload(map[string]any{"sub": nil}), map[string]any{"crit": 1}),
		"eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, err := v.Verify(t.Context(), token)
		switch {
		case err == nil && !Usable(id.User, MaxUserBytes):
			t.Errorf("accepted the user %q", id.User)
		case err != nil && (id != nil || len(err.Error()) > 120):
			t.Errorf("%v with error of %d bytes", id, len(err.Error()))
		}
		if v.cache.lru.Len() > defaultCacheSize {
			t.Error("the cache is over its bound")
		}
	})
}

// FuzzClaims reaches behind the signature.
func FuzzClaims(f *testing.F) {
	v := newVerifier(f, Config{Secret: testSecret, AllowNoExpiry: true})
	for _, claims := range []string{
		`{"sub":"anna","exp":1763600000}`, `null`, `[]`, `{"sub":"a","device":1,"scope":["x"],"channels":["y*"],"aud":["z"],"iat":1e9,"nbf":0.5}`,
		`{"sub":"\ud800","did":"\u0000"}`, `{"sub":"a","exp":1e308,"iss":null}`, `{"sub":"a","sub":"b"}`, "{\"sub\":\"\xff\"}",
	} {
		f.Add([]byte(claims))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		id, err := v.Verify(t.Context(), signRaw(t, "HS256", testSecret, claims, nil))
		if err != nil {
			return
		}
		if !Usable(id.User, MaxUserBytes) || id.Device != "" && !Usable(id.Device, MaxDeviceBytes) ||
			len(id.TokenID) > maxNameBytes || len(id.Issuer) > maxNameBytes || len(id.Channels) > MaxChannels {
			t.Errorf("accepted %+v", id)
		}
		for _, name := range id.Channels {
			if !Usable(name, MaxChannelBytes) {
				t.Errorf("accepted the channel %q", name)
			}
		}
	})
}

// FuzzMembers compares the walk over an object with encoding/json.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":1}`, "{\n\t\"a\" : [ 1 , {\"b\":\"]}\\\"\"} ] ,\r\"a\":null, \"\\u0061\":-1e5}", `{"":{"":[[],[]]},"x":"\\","y":true}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want map[string]json.RawMessage
		data = bytes.TrimSpace(data) // as encoding/json hands it over
		if json.Unmarshal(data, &want) != nil || want == nil {
			return
		}
		got := map[string]json.RawMessage{}
		for name, value := range members(data) {
			var key string // encoding/json mends broken text in names
			if err := json.Unmarshal(append(append([]byte{'"'}, name...), '"'), &key); err != nil {
				key = string(name) // it was written with escapes
			}
			got[key] = value
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add("a publish "+HashKey("k"), "k")
	f.Add("# comment\n\na publish,read "+HashKey("k")+" # x\r\nb admin sha256:00", "")
	f.Add("hlk_SECRET", "hlk_SECRET")
	f.Fuzz(func(t *testing.T, file, key string) {
		keys, err := ParseKeys(strings.NewReader(file))
		if (keys == nil) == (err == nil) {
			t.Fatalf("ParseKeys = %v, %v", keys, err)
		}
		if err != nil && len(err.Error()) > (maxKeyProblems+1)*160 {
			t.Errorf("a report of %d bytes", len(err.Error()))
		}
		if keys.Len() > strings.Count(file, "\n")+1 {
			t.Errorf("%d keys in %q", keys.Len(), file)
		}
		id, ok := keys.Lookup(key)
		if ok && (id.Scopes == 0 || !strings.Contains(strings.ToLower(file), HashKey(key))) {
			t.Errorf("%q opened as %+v", key, id)
		}
	})
}

func FuzzFromRequest(f *testing.F) {
	f.Add("Bearer a.b.c", "access_token=x", true)
	f.Add("bearer  ", "ACCESS%5fTOKEN=%20x+", true)
	f.Add("Basic x", "a;access_token=%zz&access_token", false)
	f.Fuzz(func(t *testing.T, header, query string, allowQuery bool) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}, URL: &url.URL{RawQuery: query}}
		token, ok := FromRequest(r, allowQuery)
		if ok != (token != "") || strings.TrimSpace(token) != token {
			t.Errorf("FromRequest = %q, %v", token, ok)
		}
		if ok && !allowQuery && !strings.Contains(header, token) {
			t.Errorf("%q does not come from the header", token)
		}
	})
}

func FuzzParseOrigins(f *testing.F) {
	f.Add("https://a.example", "https://A.example:443", "a.example")
	f.Add("null", "null", "")
	f.Add("*", "x", "[::1]:80")
	f.Fuzz(func(t *testing.T, entry, origin, host string) {
		o, err := ParseOrigins([]string{entry})
		if err != nil && (len(o.list) > 0 || o.any) {
			t.Fatal("a list in spite of an error")
		}
		if err == nil && !o.any {
			// What is on the list is in the form it is compared in.
			again, err := ParseOrigins(o.Strings())
			if err != nil || again.Strings()[0] != o.Strings()[0] || !o.Contains(o.Strings()[0]) {
				t.Errorf("%q became %q: %v", entry, o.Strings(), err)
			}
		}
		r := &http.Request{Host: host, Header: http.Header{"Origin": {origin}}}
		if o.Contains(origin) && !o.Allowed(r) {
			t.Errorf("origin %q is on the list but not allowed", origin)
		}
		if (Origins{}).Allowed(r) && !strings.HasSuffix(strings.ToLower(origin), withoutDefaultPort("https", withoutDefaultPort("http", strings.ToLower(host)))) &&
			!strings.Contains(strings.ToLower(origin), strings.ToLower(host)) {
			t.Errorf("origin %q is taken for host %q", origin, host)
		}
	})
}

// FuzzPublicKeys reads what an administrator may name as key file.
func FuzzPublicKeys(f *testing.F) {
	f.Add(publicPEM(p256Key()))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString([]byte("x")) + "\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		keys, err := parsePublicKeys([][]byte{file})
		if err == nil && len(keys) == 0 {
			t.Error("neither keys nor an error")
		}
		for _, key := range keys {
			if len(methodsOf(key)) == 0 {
				t.Errorf("accepted a %T that serves nothing", key)
			}
		}
	})
}
