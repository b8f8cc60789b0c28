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
	sent := make(map[string]*broker.Pending, len(it.users))
	for i, user := range it.users {
		if i > 0 {
			b.out = append(b.out, ',')
		}
		p, again := sent[user]
		if !again {
			p = b.api.broker.Submit(user, ev, key)
			sent[user] = p
		}
		b.await(p, again)
	}
	b.out = append(b.out, `]}`...)
}
