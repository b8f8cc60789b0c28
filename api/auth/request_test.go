package auth

import (
	"net/http"
	"net/http/httptest"
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
		{name: "too long header", header: []string{"Bearer " + longest + "t"}, want: longest + "t"},
		{name: "too long header does not fall back", header: []string{"Bearer " + longest + "t"}, query: "access_token=q", want: longest + "t"},
		{name: "longest query", query: "access_token=" + longest, want: longest},
		{name: "longest query escaped", query: "access_token=" + strings.Repeat("%74", MaxTokenBytes), want: longest},
		{name: "too long query", query: "access_token=" + longest + "t", want: longest + "t"},
		{name: "too long query escaped", query: "access_token=" + strings.Repeat("%74", MaxTokenBytes+1), want: longest + "t"},
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
