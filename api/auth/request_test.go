package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestFromRequest(t *testing.T) {
	longest := strings.Repeat("t", MaxTokenBytes)
	tests := []struct {
		name   string
		header []string
		query  string
		deny   bool // the query is not looked at
		want   string
	}{
		{name: "nothing"},
		{name: "header", header: []string{"Bearer a.b.c"}, want: "a.b.c"},
		{name: "scheme in lower case", header: []string{"bearer a.b.c"}, want: "a.b.c"},
		{name: "scheme in capitals", header: []string{"BEARER a.b.c"}, want: "a.b.c"},
		{name: "white space", header: []string{"  Bearer   a.b.c  "}, want: "a.b.c"},
		{name: "scheme alone", header: []string{"Bearer"}},
		{name: "scheme and space", header: []string{"Bearer "}},
		{name: "another scheme", header: []string{"Basic eDp5"}},
		{name: "scheme that begins alike", header: []string{"Bearerx a.b.c"}},
		{name: "second header", header: []string{"Basic eDp5", "Bearer a.b.c"}, want: "a.b.c"},
		{name: "query", query: "access_token=a.b.c", want: "a.b.c"},
		{name: "query in another case", query: "x=1&Access_Token=a.b.c", want: "a.b.c"},
		{name: "query with escaped name", query: "access%5Ftoken=a.b.c", want: "a.b.c"},
		{name: "query with escapes", query: "access_token=%20a%2Eb.c+", want: "a.b.c"},
		{name: "query not allowed", query: "access_token=a.b.c", deny: true},
		{name: "header before query", header: []string{"Bearer h"}, query: "access_token=q", want: "h"},
		{name: "proxy's login does not hide the query", header: []string{"Basic eDp5"}, query: "access_token=q", want: "q"},
		{name: "empty header does not hide the query", header: []string{"Bearer "}, query: "access_token=q", want: "q"},
		{name: "first of two", query: "access_token=a&access_token=b", want: "a"},
		{name: "empty first", query: "access_token=&access_token=b", want: "b"},
		{name: "broken escape", query: "access_token=%zz"},
		{name: "broken escape elsewhere", query: "x=%zz&%zz=1&access_token=q", want: "q"},
		{name: "no value", query: "access_token"},
		{name: "other names", query: "token=a&xaccess_token=b&access_token_=c"},
		{name: "longest header", header: []string{"Bearer " + longest}, want: longest},
		{name: "too long header", header: []string{"Bearer " + longest + "t"}},
		{name: "too long header does not fall back", header: []string{"Bearer " + longest + "t"}, query: "access_token=q"},
		{name: "longest query", query: "access_token=" + longest, want: longest},
		{name: "longest query escaped", query: "access_token=" + strings.Repeat("%74", MaxTokenBytes), want: longest},
		{name: "too long query", query: "access_token=" + longest + "t"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/events", nil)
			r.URL.RawQuery = tt.query
			for _, value := range tt.header {
				r.Header.Add("Authorization", value)
			}
			got, ok := FromRequest(r, !tt.deny)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("FromRequest = %.40q, %v; want %.40q", got, ok, tt.want)
			}
		})
	}
}

func TestRedactQuery(t *testing.T) {
	tests := []struct {
		url, want string
	}{
		{"/events", "/events"},
		{"/events?since=5&types=a,b", "/events?since=5&types=a,b"},
		{"/events?access_token=S3CRET", "/events?access_token=REDACTED"},
		{"/events?since=5&access_token=S3CRET&control=1", "/events?since=5&access_token=REDACTED&control=1"},
		{"/events?ACCESS_TOKEN=S3CRET", "/events?ACCESS_TOKEN=REDACTED"},
		{"/events?access%5ftoken=S3CRET", "/events?access%5ftoken=REDACTED"},
		{"/events?access-token=S3CRET&accessToken=S3CRET", "/events?access-token=REDACTED&accessToken=REDACTED"},
		{"/hub?id=S3CRET&_=17", "/hub?id=REDACTED&_=17"},
		{"/hub?token=S3CRET", "/hub?token=REDACTED"},
		{"/anonymous-hub?Token=S3CRET", "/anonymous-hub?Token=REDACTED"},
		{"/hub?ticket=S3CRET&connectionToken=S3CRET", "/hub?ticket=REDACTED&connectionToken=REDACTED"},
		{"/hub?api_key=S3CRET&key=S3CRET", "/hub?api_key=REDACTED&key=REDACTED"},
		{"/hub?%zz=S3CRET", "/hub?%zz=REDACTED"},
		{"/hub?a=1;access_token=S3CRET", "/hub?a=1;access_token=REDACTED"},
		{"/hub?since=1?access_token=S3CRET", "/hub?since=1?access_token=REDACTED"},
		{"/hub?x=eyJhbGciS3CRET", "/hub?x=REDACTED"},
		{"/hub?x=+hlk_S3CRET", "/hub?x=REDACTED"},
		{"/hub?eyJhbGciS3CRET", "/hub?REDACTED"},
		{"/hub?access_token", "/hub?access_token"},
		{"/hub?access_token=", "/hub?access_token=REDACTED"},
		{"/hub?&&=&", "/hub?&&=&"},
		{"/hub?idle=1&width=2", "/hub?idle=1&width=2"},
		{"http://user:S3CRET@host/a%20b?x=1#S3CRET", "/a%20b?x=1"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedactQuery(u); got != tt.want {
			t.Errorf("RedactQuery(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
	if got := RedactQuery(nil); got != "" {
		t.Errorf("RedactQuery(nil) = %q", got)
	}
}

func TestRedactedURLIsOneShortLine(t *testing.T) {
	for _, u := range []*url.URL{
		{Path: strings.Repeat("/x", 5000)},
		{Path: "/x", RawQuery: strings.Repeat("a=b&", 5000)},
		{Path: "/x", RawQuery: "a=" + strings.Repeat("b", 5000)},
		{Path: "/x", RawQuery: strings.Repeat("a", 5000) + "=b"},
		{Path: "/\n", RawQuery: "a=\r\nlevel=ERROR\x1b[31m\u0085&b=\xff"},
	} {
		got := RedactQuery(u)
		if len(got) > maxLoggedURLBytes || strings.ContainsAny(got, "\r\n\x1b\u0085") {
			t.Errorf("%d bytes: %.80q", len(got), got)
		}
	}
}
