package ledger

import (
	"fmt"
	"testing"
	"time"
)

// Keys and cursors are forgotten in time, from memory and from the table.
func TestKeysExpire(t *testing.T) {
	f := newFixture(t, Options{KeyTTL: time.Hour})
	add := func(key string) {
		t.Helper()
		_, err := f.Append([]Entry{{Event: f.event("x"), Keys: []Key{{Name: key, ID: "i"}}}})
		must(t, err)
	}
	rows := func() (n int) {
		_, err := f.scan(bucketKeys, nil, func(_, _ []byte) { n++ })
		must(t, err)
		_, err = f.scan(bucketDue, nil, func(_, _ []byte) { n++ })
		must(t, err)
		return n
	}
	f.opts.MaxAge = time.Minute
	f.reopen()
	for i := range 3 {
		add(fmt.Sprint(i))
	}
	must(t, f.Checkpoint())
	f.advance(time.Hour - 1*time.Millisecond)
	if _, ok := f.FindKey("", "0"); !ok || rows() != 6 {
		t.Errorf("a key is gone too early: %d rows", rows())
	}
	add("0") // again
	must(t, f.Checkpoint())
	f.advance(time.Millisecond)
	for i, want := range []bool{true, false, false} {
		if _, ok := f.FindKey("", fmt.Sprint(i)); ok != want {
			t.Errorf("key %d: %v", i, ok)
		}
	}
	add("new")
	must(t, f.Checkpoint())
	if n := rows(); n != 4 {
		t.Errorf("%d rows are left, want two keys", n)
	}
	if _, ok := f.FindKey("", "0"); !ok {
		t.Error("a key that was used again went with its first time")
	}
}

// Where events are kept for ever, a key is kept as long as its event.
func TestKeysLastAsLongAsTheirEvents(t *testing.T) {
	f := newFixture(t, Options{KeyTTL: time.Hour, MaxBytes: 10_000})
	_, err := f.Append([]Entry{{Event: f.event("x"), Keys: []Key{{Name: "k"}}}})
	must(t, err)
	f.advance(1000 * time.Hour)
	f.reopen()
	if _, ok := f.FindKey("", "k"); !ok {
		t.Error("the key is gone before its event")
	}
	for range 300 {
		f.put("x", "ann")
	}
	must(t, f.Retain(f.time()))
	if _, ok := f.FindKey("", "k"); ok {
		t.Error("the key is there and its event is not")
	}
}
