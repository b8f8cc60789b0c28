package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/api/auth"
	"hubline/replay"
)

func TestScanReplay(t *testing.T) {
	types := strings.Repeat(`"a",`, 63) + `"a"`
	at := func(epoch string, seq uint64) replay.Since {
		return replay.Since{Kind: replay.SinceCursor, Cursor: replay.Cursor{Epoch: epoch, Seq: seq}}
	}
	for body, want := range map[string]replayBody{
		`{"since":"0"}`:                               {since: replay.Since{Kind: replay.SinceAll}},
		`{"since":0}`:                                 {since: replay.Since{Kind: replay.SinceAll}},
		`{"since":"k7-0"}`:                            {since: at("k7", 0)},
		` {"since" : 57 } `:                           {since: at("", 57)},
		`{"since":"18446744073709551615"}`:            {since: at("", 1<<64-1)},
		`{"since":"\u0031"}`:                          {since: at("", 1)},
		`{"since":1,"until":"k7-9"}`:                  {since: at("", 1), until: &replay.Cursor{Epoch: "k7", Seq: 9}},
		`{"since":1,"until":1}`:                       {since: at("", 1), until: &replay.Cursor{Seq: 1}},
		`{"since":"k7-5","until":"k8-3"}`:             {since: at("k7", 5), until: &replay.Cursor{Epoch: "k8", Seq: 3}},
		`{"since":0,"until":0}`:                       {since: replay.Since{Kind: replay.SinceAll}, until: &replay.Cursor{}},
		`{"since":1,"types":["a","b,c"]}`:             {since: at("", 1), types: []string{"a", "b,c"}},
		`{"since":1,"device":"\u0041","dryRun":true}`: {since: at("", 1), device: "A", dryRun: true},
		`{"since":1,"dryRun":true,"dryRun":false}`:    {since: at("", 1)},
		`{"since":1,"until":null,"types":null,"device":null,"dryRun":null}`: {since: at("", 1)},
		`{"since":1,"device":"` + strings.Repeat("d", 128) + `"}`:           {since: at("", 1), device: strings.Repeat("d", 128)},
		`{"since":1,"types":[` + types + `]}`:                               {since: at("", 1), types: strings.Split(strings.Repeat("a,", 63)+"a", ",")},
	} {
		got, err := scanReplay([]byte(body))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(replayBody{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", body, err, diff)
		}
	}
	for body, want := range map[string]string{
		"": "", "[]": "must be a JSON object", `{"since":1}x`: "", `{"since":[[1]]}`: "", "{\"since\":\"\xff\"}": "",
		`{}`: `"since" is missing`, `{"since":null}`: `"since" is missing`, `{"since":""}`: `"since"`, `{"since":"latest"}`: `"since"`,
		`{"since":"device"}`: `"since"`, `{"since":-1}`: `"since"`, `{"since":1.5}`: `"since"`, `{"since":1e3}`: `"since"`, `{"since":01}`: "",
		`{"since":"01"}`: `"since"`, `{"since":true}`: `"since"`, `{"since":18446744073709551616}`: `"since"`, `{"since":"` + strings.Repeat("a", 1000) + `-1"}`: `"since"`,
		`{"since":1,"until":"latest"}`: `"until"`, `{"since":1,"until":""}`: `"until"`, `{"since":1,"until":true}`: `"until"`,
		`{"since":5,"until":4}`: "is before", `{"since":"k-5","until":4}`: "is before", `{"since":5,"until":"k-4"}`: "is before", `{"since":"k-5","until":"k-4"}`: "is before",
		`{"since":1,"types":[]}`: `"types"`, `{"since":1,"types":"a"}`: `"types"`, `{"since":1,"types":[1]}`: `"types"`, `{"since":1,"types":[""]}`: `"types"`,
		`{"since":1,"types":["` + strings.Repeat("a", 129) + `"]}`: `"types"`, `{"since":1,"types":[` + types + `,"a"]}`: `"types"`, `{"since":1,"types":["\u0000"]}`: `"types"`,
		`{"since":1,"device":""}`: `"device"`, `{"since":1,"device":1}`: `"device"`, `{"since":1,"device":"` + strings.Repeat("d", 129) + `"}`: `"device"`,
		`{"since":1,"dryRun":"true"}`: `"dryRun"`, `{"since":1,"dryRun":1}`: `"dryRun"`,
		`{"since":1,"dryrun":true}`: "does not know", `{"since":1,"x":1}`: "does not know",
	} {
		_, err := scanReplay([]byte(body))
		if err == nil {
			t.Errorf("%s: accepted", body)
			continue
		}
		p := asProblem(err)
		if p.Status != http.StatusBadRequest || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %+v, want %q", body, p, want)
		}
		if slug := map[bool]string{true: "cursor", false: "bad-request"}[strings.Contains(want, "since") || want == `"until"`]; want != "" && p.slug != slug {
			t.Errorf("%s: %s, want %s", body, p.slug, slug)
		}
	}
}

func TestReplayRefusals(t *testing.T) {
	f := newFixture(t)
	const path = "/api/v1/users/anna/replays"
	for body, slug := range map[string]string{
		`{"dryRun":true}`: "cursor", `{"since":"x"}`: "cursor", `{"since":1,"until":"x"}`: "cursor", `{"since":2,"until":1}`: "bad-request",
		`{"since":0,"Device":"phone"}`: "bad-request", `nonsense`: "bad-request",
	} {
		f.wantProblem(f.send(http.MethodPost, path, keyAdmin, body), http.StatusBadRequest, slug)
	}
	pad := func(n int) string { return `{"since":0` + strings.Repeat(" ", n-len(`{"since":0}`)) + "}" }
	if a := f.send(http.MethodPost, path, keyAdmin, pad(maxReplayBytes)); a.status != http.StatusOK {
		t.Errorf("as long as may be: %d", a.status)
	}
	f.wantProblem(f.send(http.MethodPost, path, keyAdmin, pad(maxReplayBytes+1)), http.StatusRequestEntityTooLarge, "too-large")
	f.wantProblem(f.send(http.MethodPost, "/api/v1/users/"+strings.Repeat("a", 257)+"/replays", keyAdmin, `{"since":0}`), http.StatusBadRequest, "bad-request")
	f.wantProblem(f.send(http.MethodPost, path+"?access_token=x", keyAdmin, `{"since":0}`), http.StatusBadRequest, "bad-request")
}

// FuzzScanReplay: what is accepted is within bounds, keeps nothing of the body, and is
// what encoding/json reads.
func FuzzScanReplay(f *testing.F) {
	for _, s := range []string{
		`{"since":0}`, `{"since":"k7q2-57","until":60,"types":["a","b"],"device":"d","dryRun":true}`, `{"since":1,"types":null}`,
		`{"since":"1","since":2}`, `{"since":1,"dryrun":true}`, `[]`, `{"since":"\u0030"}`, `{"since":1e2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := scanReplay(body)
		if err != nil {
			if p := asProblem(err); p.Status != http.StatusBadRequest || p.Detail == "" || len(p.Detail) > 400 {
				t.Fatalf("%+v", p)
			}
			return
		}
		var std struct {
			Since, Until any
			Types        []string
			Device       *string
			DryRun       bool
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&std); err != nil {
			t.Fatalf("encoding/json refuses: %v", err)
		}
		if len(r.types) > maxTypes || r.device != "" && !auth.Usable(r.device, auth.MaxDeviceBytes) || r.since.Kind != replay.SinceAll && r.since.Kind != replay.SinceCursor {
			t.Fatalf("%+v", r)
		}
		for _, kind := range r.types {
			if !auth.Usable(kind, maxTypeBytes) {
				t.Fatalf("%+v", r)
			}
		}
		clear(body)
		again, err := scanReplay([]byte(r.text()))
		if diff := cmp.Diff(r, again, cmp.AllowUnexported(replayBody{})); err != nil || diff != "" {
			t.Fatalf("%s: %v\n%s", r.text(), err, diff)
		}
	})
}

// text is a body that asks for the same.
func (r *replayBody) text() string {
	m := map[string]any{"since": r.since.String(), "dryRun": r.dryRun}
	if r.until != nil {
		m["until"] = r.until.String()
	}
	if r.types != nil {
		m["types"] = r.types
	}
	if r.device != "" {
		m["device"] = r.device
	}
	return string(must(json.Marshal(m)))
}
