package api

import (
	"hubline/broker"
	"hubline/replay"
)

// gap is a place in the answer to a batch for the receipt of an event that is on its
// way to the disk: all of a batch is on its way at the same time.
type gap struct {
	at    int // the length of the answer before it
	p     *broker.Pending
	again bool // a user was named twice

	channel bool // the receipt is that of a channel
}

// send publishes an event to one user and appends the receipt, now or later.
func (b *batch) send(user string, ev *replay.Event, key broker.Key) error {
	if b.api.broker.Durable() {
		b.await(b.api.broker.Submit(user, ev, key), false)
		return nil
	}
	r, err := b.api.broker.PublishInBatch(user, ev, key)
	if err != nil {
		return err
	}
	b.out = appendReceipt(b.out, &r, b.api.durability())
	return nil
}

func (b *batch) await(p *broker.Pending, again bool) {
	b.gaps = append(b.gaps, gap{at: len(b.out), p: p, again: again})
}

func (b *batch) awaitChannel(p *broker.Pending) {
	b.gaps = append(b.gaps, gap{at: len(b.out), p: p, channel: true})
}

// fill returns the answer with all its receipts.
func (b *batch) fill() []byte {
	if len(b.gaps) == 0 {
		return b.out
	}
	out := make([]byte, 0, len(b.out)+len(b.gaps)*receiptBytes)
	from := 0
	for i := range b.gaps {
		g := &b.gaps[i]
		out = append(out, b.out[from:g.at]...)
		from = g.at
		r, err := g.p.Wait()
		if err != nil {
			out = b.api.appendProblem(b.c, out, err)
			continue
		}
		r.Duplicate = r.Duplicate || g.again
		if g.channel {
			out = appendChannelReceipt(out, &r, b.api.durability())
		} else {
			out = appendReceipt(out, &r, b.api.durability())
		}
	}
	return append(out, b.out[from:]...)
}

// receiptBytes is about what a receipt is long.
const receiptBytes = 160
