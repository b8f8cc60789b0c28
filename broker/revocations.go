package broker

import (
	"hubline/replay/ledger"
)

// SaveRevocation has a revocation of tokens written, which is no matter of the broker's
// but in its order, and waits for it; without a value it is removed. Without a Ledger
// there is nowhere to write it, and it returns nil. Errors are ErrDraining and those of
// the disk.
func (b *Broker) SaveRevocation(of, name string, value []byte) error {
	return b.saveRevocations([]ledger.Fact{{Kind: ledger.Revoked, Of: of, Name: name, Value: value}})
}

// RevocationName is what SaveRevocation knows a revocation by.
type RevocationName struct{ Of, Name string }

// RemoveRevocations is SaveRevocation without a value for several, in one write: all or
// none.
func (b *Broker) RemoveRevocations(names []RevocationName) error {
	facts := make([]ledger.Fact, len(names))
	for i, n := range names {
		facts[i] = ledger.Fact{Kind: ledger.Revoked, Of: n.Of, Name: n.Name}
	}
	return b.saveRevocations(facts)
}

func (b *Broker) saveRevocations(facts []ledger.Fact) error {
	if b.committer == nil || len(facts) == 0 {
		return nil
	}
	p := &Pending{facts: facts, done: make(chan struct{})}
	if err := b.committer.enqueue(p); err != nil {
		return err
	}
	_, err := p.Wait()
	return err
}
