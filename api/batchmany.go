package api

import (
	"hubline/broker"
	"hubline/internal/jsonscan"
	"hubline/replay"
)

// publishMany publishes one event to several users: the same id for all, a
// receipt for each in the order of the names. A user who is named twice gets the
// event once; the second receipt is that of a duplicate.
func (b *batch) publishMany(it *batchItem, ev *replay.Event, key broker.Key) {
	b.out = append(b.out, `{"id":`...)
	b.out = jsonscan.AppendString(b.out, ev.ID)
	b.out = append(b.out, `,"receipts":[`...)
	sent := make(map[string]broker.Receipt, len(it.users))
	for i, user := range it.users {
		if i > 0 {
			b.out = append(b.out, ',')
		}
		r, again := sent[user]
		if !again {
			var err error
			if r, err = b.api.broker.Publish(user, ev, key); err != nil {
				b.fail(err)
				continue
			}
			sent[user] = r
		}
		r.Duplicate = r.Duplicate || again
		b.out = appendReceipt(b.out, &r)
	}
	b.out = append(b.out, `]}`...)
}
