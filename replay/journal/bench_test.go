package journal

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const recordBytes = 300

// BenchmarkSubmit is the cost of a submission, without that of the disk.
func BenchmarkSubmit(b *testing.B) {
	j := openBench(b, Options{MaxWaitingBytes: maxBytes})
	record := [][]byte{bytes.Repeat([]byte("x"), recordBytes)}
	done := func(uint64, error) {}
	b.ReportAllocs()
	var spent time.Duration
	n := 0
	for b.Loop() {
		begin := time.Now()
		err := j.Submit(1, record, done)
		spent += time.Since(begin)
		if n++; err != nil {
			b.Fatal(err)
		}
		if n%100 == 0 { // let the disk follow
			if _, err := j.Append(b.Context(), 1, record...); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/submit")
}

// BenchmarkAppend64 is the claim that this package stands on: 64 publishers that
// wait for the disk, here and in what could have been used instead.
func BenchmarkAppend64(b *testing.B) {
	for _, r := range rivals {
		b.Run(r.name, func(b *testing.B) {
			a, err := r.open(b)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { a.close() })
			record := bytes.Repeat([]byte("x"), recordBytes)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			waits := make([][]time.Duration, 64) // how long each append took
			for i := range waits {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						begin := time.Now()
						if err := a.append(record); err != nil {
							b.Error(err)
							return
						}
						waits[i] = append(waits[i], time.Since(begin))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Concat(waits...)
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if o, ok := a.(ours); ok {
				s := o.j.Stats()
				b.ReportMetric(float64(s.Records)/float64(s.Commits), "records/commit")
				b.ReportMetric(float64(s.SyncTime.Microseconds())/float64(s.Commits), "µs/sync")
			}
		})
	}
}

// filled has n records of recordBytes in it.
func filled(b *testing.B, n int) *Journal {
	j := openBench(b, Options{})
	fill(b, n, func(records [][]byte) error {
		_, err := j.Append(b.Context(), 1, records...)
		return err
	})
	return j
}

func fill(b *testing.B, n int, put func([][]byte) error) {
	records := make([][]byte, 1000)
	for i := range records {
		records[i] = bytes.Repeat([]byte("x"), recordBytes)
	}
	for range n / len(records) {
		if err := put(records); err != nil {
			b.Fatal(err)
		}
	}
}

func openBench(b *testing.B, o Options) *Journal {
	j, err := Open(filepath.Join(b.TempDir(), "j"), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	return j
}

const filledRecords = 400_000

// BenchmarkRange is what a start reads: all there is, in order.
func BenchmarkRange(b *testing.B) {
	j := filled(b, filledRecords)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := j.Range(1, func(Record) error { n++; return nil }); err != nil || n != filledRecords {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(filledRecords*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRead is one record of a cold user, anywhere in the log.
func BenchmarkRead(b *testing.B) {
	j := filled(b, filledRecords)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = j.Read(1+rand.Uint64N(filledRecords), buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
