package ledger

import (
	"fmt"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// benchFacts is a ledger of a million memberships.
func benchFacts(b *testing.B) *Ledger {
	const n = 1_000_000
	l := benchLedger(b)
	for i := 0; i < n; {
		facts := make([]Fact, 0, 1000)
		for ; len(facts) < cap(facts); i++ {
			facts = append(facts, Fact{Member, fmt.Sprint("channel-", i/100), fmt.Sprint("user-", i), []byte{}})
		}
		if err := l.SaveFacts(facts); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Checkpoint(); err != nil {
		b.Fatal(err)
	}
	return l
}

// Memberships of a million users: what saying them again takes, in bytes of the log and
// in commits.
func BenchmarkRestateFacts(b *testing.B) {
	l := benchFacts(b)
	for b.Loop() {
		commits := l.Stats().Journal.Commits
		l.restateWanted.Store(true)
		for l.RestateFacts() { //nolint:revive // it does all
		}
		b.ReportMetric(float64(l.Stats().Journal.Commits-commits), "commits")
		b.ReportMetric(float64(l.meta.restated.bytes), "bytes")
	}
}

// Opening counts the facts and looks at each.
func BenchmarkVerifyFacts(b *testing.B) {
	l := benchFacts(b)
	for b.Loop() {
		if err := l.table.view(func(tx *bolt.Tx) error { verifyFacts(tx, &meta{}); return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
