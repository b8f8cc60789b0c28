package cli

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressLineIsDrawnInPlaceAndNotTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, read := newEnvironment(t)
		r := newReport(env, false)
		r.progress = true // as on a terminal
		time.Sleep(time.Second)
		r.done(1, false, []byte(`{}`))
		r.draw("")
		r.done(2, true, []byte(`{}`))
		r.draw("") // too early
		time.Sleep(drawInterval)
		r.draw("")
		r.draw("trying again: refused") // a note never waits
		r.fail(3, errors.New("bad"))
		if err := r.summary(); err == nil || err.Error() != "1 event could not be published" {
			t.Errorf("summary = %v", err)
		}
		want := "\r\x1b[K1 event, 1 a second" +
			"\r\x1b[K2 events, 1 a second" +
			"\r\x1b[K2 events, 1 a second; trying again: refused" +
			"\r\x1b[Khubline: line 3: bad\n"
		out := read()
		if out.stderr != want {
			t.Errorf("standard error = %q, want %q", out.stderr, want)
		}
		if want := "Published 2 events in 1.2s (1 a second), 1 of them had been published before.\n"; out.stdout != want {
			t.Errorf("standard output = %q, want %q", out.stdout, want)
		}
	})
}

func TestFailedOutputIsAFailure(t *testing.T) {
	env, _ := newEnvironment(t)
	if err := env.stdout.Close(); err != nil {
		t.Fatal(err)
	}
	for _, asJSON := range []bool{false, true} {
		r := newReport(env, asJSON)
		r.done(1, false, []byte(`{}`))
		if err := r.summary(); err == nil {
			t.Errorf("json %v: summary is nil although nothing could be written", asJSON)
		}
	}
}
