package api

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestEventID(t *testing.T) {
	const n = 10_000
	ids := make([]string, 0, n)
	at := someTime
	for range n {
		ids = append(ids, string(appendEventID(nil, at)))
		at = at.Add(300 * time.Nanosecond)
	}
	seen := map[string]bool{}
	for i, id := range ids {
		u, err := uuid.Parse(id)
		if err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122 || u.String() != id {
			t.Fatalf("%s: %v, version %d, variant %v", id, err, u.Version(), u.Variant())
		}
		seen[id] = true
		sec, nsec := u.Time().UnixTime()
		if got, want := time.Unix(sec, nsec).UnixMilli(), someTime.Add(time.Duration(i)*300).UnixMilli(); got != want {
			t.Fatalf("%s says %d, want %d", id, got, want)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d ids are different", len(seen), n)
	}
	if !slices.IsSorted(ids) {
		t.Error("ids of rising times are not sorted")
	}
	for _, at := range []time.Time{time.UnixMilli(0), time.Unix(1, 999_999_999), time.UnixMilli(1<<48 - 1)} {
		if u, err := uuid.ParseBytes(appendEventID(nil, at)); err != nil || u.Version() != 7 {
			t.Errorf("%v: %v", at, err)
		}
	}
}

func BenchmarkEventID(b *testing.B) {
	var room [36]byte
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			appendEventID(room[:0], someTime)
		}
	})
	b.Run("uuid.NewV7", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = must(uuid.NewV7()).String()
		}
	})
}
