package api

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"
)

func TestScanDisconnect(t *testing.T) {
	for body, want := range map[string]struct {
		reason string
		refuse time.Duration // -1: not set
	}{
		"":                                  {defaultWords, -1},
		"{}":                                {defaultWords, -1},
		`{"reason":null}`:                   {defaultWords, -1},
		`{"reason":""}`:                     {"", -1},
		`{"reason":"Grüße \ud83d\ude00"}`:   {"Grüße 😀", -1},
		`{"refuseSeconds":0}`:               {defaultWords, 0},
		`{"refuseSeconds":null}`:            {defaultWords, -1},
		`{"refuseSeconds":86400}`:           {defaultWords, 24 * time.Hour},
		`{"reason":"a","refuseSeconds":60}`: {"a", time.Minute},
	} {
		got, err := scanDisconnect([]byte(body))
		if err != nil || got.reason != want.reason || (got.refuse == nil) != (want.refuse < 0) || got.refuse != nil && *got.refuse != want.refuse {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{
		"x", "[]", "{", `{"reason":7}`, `{"reason":["a"]}`, `{"refuseSeconds":-1}`, `{"refuseSeconds":86401}`, `{"refuseSeconds":1.5}`,
		`{"refuseSeconds":"60"}`, `{"refuseSeconds":1e3}`, `{"refuse":60}`, `{"Reason":"a"}`, `{"reason":"a"} x`, `{"refuseSeconds":99999999999999999999}`,
	} {
		if got, err := scanDisconnect([]byte(body)); err == nil || asProblem(err).Status != http.StatusBadRequest {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// FuzzScanDisconnect: what is accepted is JSON within the bounds, refers to none of the
// request's memory, and means the same when it is written anew.
func FuzzScanDisconnect(f *testing.F) {
	for _, body := range []string{"", "{}", `{"reason":"a","refuseSeconds":60}`, `{"reason":null}`, `{"re\u0061son":"\ud800"}`, `{"refuseSeconds":1e1}`, `[`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := scanDisconnect(body)
		if err != nil {
			if p := asProblem(err); p.Status != http.StatusBadRequest || p.Detail == "" || len(p.Detail) > 400 {
				t.Fatalf("%+v", p)
			}
			return
		}
		if len(body) > 0 && !json.Valid(body) {
			t.Fatal("it is not JSON")
		}
		if !utf8.ValidString(d.reason) || d.refuse != nil && (*d.refuse < 0 || *d.refuse > maxRefusal) {
			t.Fatalf("%+v", d)
		}
		clear(body)
		anew := map[string]any{"reason": d.reason}
		if d.refuse != nil {
			anew["refuseSeconds"] = int(d.refuse.Seconds())
		}
		again, err := scanDisconnect(must(json.Marshal(anew)))
		if err != nil || again.reason != d.reason || (again.refuse == nil) != (d.refuse == nil) || d.refuse != nil && *again.refuse != *d.refuse {
			t.Fatalf("%+v, again %+v, %v", d, again, err)
		}
	})
}
