package jsonscan

import (
	"encoding/json"
	"testing"
)

// A publish body of about 300 bytes.
const sample = `{"type":"backup.progress","data":{"step":3,"of":12,"file":"/srv/data/photos/2024/IMG_20240321_101500.jpg",` +
	`"bytes":48311223,"rate":18.4,"eta":"2026-11-21T10:15:00Z","labels":["nightly","photos"],"note":"caf\u00e9 – 80 % done","ok":true},` +
	`"contextId":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","ttlSeconds":3600}`

func BenchmarkWalk(b *testing.B) {
	text := []byte(sample)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s := New(text, 64)
		for ok := s.Object(); ok && s.Member(); {
			s.Value()
		}
		if !s.End() {
			b.Fatal(s.Err())
		}
	}
}

func BenchmarkValidStandard(b *testing.B) {
	text := []byte(sample)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if !json.Valid(text) {
			b.Fatal("not valid")
		}
	}
}
