package transports_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
)

func TestNegotiate(t *testing.T) {
	const (
		ws   = `{"transport":"WebSockets","transferFormats":["Text","Binary"]}`
		sse  = `{"transport":"ServerSentEvents","transferFormats":["Text"]}`
		poll = `{"transport":"LongPolling","transferFormats":["Text","Binary"]}`
		all  = ws + "," + sse + "," + poll

		v0 = `{"negotiateVersion":0,"connectionId":"ID","availableTransports":[` + all + `]}`
		v1 = `{"negotiateVersion":1,"connectionId":"ID","connectionToken":"TOKEN","availableTransports":[` + all + `]}`

		notInteger = `{"error":"The client requested a non-integer protocol version."}`
	)
	with := func(ts string) string { return strings.Replace(v1, all, ts, 1) }
	tooLow := func(v string) string {
		return `{"error":"The client requested version '` + v + `', but the server does not support this version."}`
	}
	tests := []struct {
		name, query, want string
		min               int
		offer             []transports.Transport
	}{
		{name: "no version", query: "", want: v0},
		{name: "empty version", query: "negotiateVersion=", want: v0},
		{name: "version 0", query: "negotiateVersion=0", want: v0},
		{name: "version 1", query: "negotiateVersion=1", want: v1},
		{name: "version 2", query: "negotiateVersion=2", want: v1},
		{name: "largest version", query: "negotiateVersion=2147483647", want: v1},
		{name: "any spelling", query: "NEGOTIATEversion=1", want: v1},
		{name: "two spellings", query: "NegotiateVersion=0&negotiateversion=1", want: v1},
		{name: "with more", query: "x=1&negotiateVersion=1&useStatefulReconnect=true", want: v1},
		{name: "garbage", query: "negotiateVersion=one", want: notInteger},
		{name: "fraction", query: "negotiateVersion=1.0", want: notInteger},
		{name: "too large", query: "negotiateVersion=2147483648", want: notInteger},
		{name: "negative", query: "negotiateVersion=-3", want: tooLow("-3")},
		{name: "too low", query: "negotiateVersion=0", min: 1, want: tooLow("0")},
		{name: "too low by default", query: "", min: 1, want: tooLow("0")},
		{name: "high enough", query: "negotiateVersion=1", min: 1, want: v1},

		{name: "fewer offered", query: "negotiateVersion=1", offer: []transports.Transport{transports.LongPolling}, want: with(poll)},
		{name: "narrowed", query: "negotiateVersion=1&transports=ServerSentEvents", want: with(sse)},
		{name: "narrowed by our names", query: "negotiateVersion=1&Transports=poll,+WS", want: with(ws + "," + poll)},
		{name: "narrowed to nothing", query: "negotiateVersion=1&transports=pigeon", want: with("")},
		{name: "narrowed by nothing", query: "negotiateVersion=1&transports=", want: v1},
		{
			name: "narrowed to what is not offered", query: "negotiateVersion=1&transports=ws",
			offer: []transports.Transport{transports.LongPolling}, want: with(""),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				e := newSite(t, s)
				e.MinVersion = tt.min
				if tt.offer != nil {
					e.Offer = tt.offer
				}
				w := e.do(request{method: "POST", target: "/hub/negotiate?" + tt.query, user: "u"})
				var n transports.Negotiation
				if err := json.Unmarshal(w.Body.Bytes(), &n); err != nil {
					t.Fatal(err)
				}
				want := strings.Replace(tt.want, "ID", n.ConnectionID, 1)
				want = strings.Replace(want, "TOKEN", n.ConnectionToken, 1)
				if got := w.Body.String(); got != want {
					t.Errorf("answer:\n%s\nwant:\n%s", got, want)
				}
				header := http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(want))}}
				if diff := cmp.Diff(header, w.Header()); diff != "" || w.Code != http.StatusOK {
					t.Errorf("status %d, header (-want +got):\n%s", w.Code, diff)
				}
				if n.Error != "" {
					if got := s.Negotiated(); got != 0 {
						t.Errorf("%d connections were made", got)
					}
					return
				}
				token := n.ConnectionToken
				if token == "" {
					token = n.ConnectionID
				}
				c, ok := s.Lookup("/hub", token)
				if !ok || c.User != "u" || c.Addr != "192.0.2.1" {
					t.Errorf("the connection is not known, or not the user's: %+v", c)
				}
				if n.ConnectionToken == n.ConnectionID {
					t.Error("the token is the public id")
				}
				time.Sleep(17 * time.Second)
				if _, ok := s.Lookup("/hub", token); ok {
					t.Error("the connection is known 17 s later")
				}
			})
		})
	}
}

func TestNegotiateOverTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newSite(t, newServer(t, transports.Config{MaxNegotiated: 1}))
		q := request{method: "POST", target: "/hub/negotiate", user: "u"}
		e.do(q)
		w := e.do(q)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Body.Len() > 0 {
			t.Errorf("answer is %d %q, %v", w.Code, w.Body, w.Header())
		}
	})
}

// A URL in an answer stays readable.
func TestWriteNegotiationEscapesNoHTML(t *testing.T) {
	w := httptest.NewRecorder()
	transports.WriteNegotiation(w, &transports.Negotiation{AvailableTransports: []transports.Offer{{URL: "/a?b=1&c=<2>"}}})
	if got := w.Body.String(); !strings.Contains(got, "/a?b=1&c=<2>") {
		t.Errorf("answer is %s", got)
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"id=a&ID=b&Id=c", "a=1;b=2", "%zz=1", "=x", "İ=1&k=2", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r := &http.Request{URL: &url.URL{RawQuery: raw}}
		q := transports.Query(r)
		n, m := 0, 0
		for k, v := range q {
			if k != strings.ToLower(k) {
				t.Errorf("key %q is not in lower case", k)
			}
			n += len(v)
		}
		for k, v := range r.URL.Query() {
			m += len(v)
			if first := r.URL.Query().Get(strings.ToLower(k)); first != "" && q.Get(strings.ToLower(k)) != first {
				t.Errorf("%q is %q, want the one in lower case, %q", k, q.Get(strings.ToLower(k)), first)
			}
		}
		if n != m {
			t.Errorf("%d values, want %d", n, m)
		}
		if v, ok := transports.Version(raw); ok && v > 1 {
			t.Errorf("version %d", v)
		}
		for _, tr := range transports.Narrow(transports.All(), raw) {
			if !strings.Contains(strings.ToLower(raw), strings.ToLower(string(tr))) && !strings.Contains(strings.ToLower(raw), tr.Label()) && raw != "" {
				t.Errorf("%q offers %s", raw, tr)
			}
		}
	})
}
