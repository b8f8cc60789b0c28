package signalr

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"hubline/broker"
	"hubline/replay"
)

// Envelopes is how StreamEvents shows events: as JSON, appended to dst.
type Envelopes struct {
	Event func(dst []byte, ev *replay.Event, epoch string, seq uint64) []byte
	// Redelivered shows an event that comes once more. Nil means Event.
	Redelivered func(dst []byte, ev *replay.Event, epoch string, seq uint64) []byte
	// Gap shows lost events, with the cursor behind them.
	Gap func(dst []byte, g *replay.Gap, behind replay.Cursor) []byte
}

// streamPage is how many events a stream takes from the broker at once, and
// streamBytes about how many bytes of them.
const (
	streamPage  = 32
	streamBytes = 64 << 10
)

// alarm is a broker.Waker. The caller tells whose stream it is.
type alarm struct {
	Caller
	rings chan struct{}
}

// Wake implements broker.Waker.
func (a alarm) Wake() {
	select {
	case a.rings <- struct{}{}:
	default: // it rings already
	}
}

// streamEvents is the hub method StreamEvents: the events after a cursor as
// envelopes, first those of the log and then live ones, until the client cancels
// the stream. It is a reader of its own beside the connection's events, and
// counts as a connection of the user's.
func (e *events) streamEvents(ctx context.Context, c Caller, since cursorText) (iter.Seq[json.RawMessage], error) {
	from, err := replay.ParseSince(string(since))
	if err != nil {
		return nil, Errorf("%v", err)
	}
	ring := alarm{c, make(chan struct{}, 1)}
	sub, w, err := e.broker.Subscribe(broker.Options{User: c.User(), Device: c.Device(), Since: from, Waker: ring})
	switch {
	case errors.Is(err, broker.ErrTooManyConnections), errors.Is(err, broker.ErrFull), errors.Is(err, broker.ErrDraining):
		return nil, Errorf("%v", err)
	case err != nil:
		return nil, err
	}
	return func(yield func(json.RawMessage) bool) {
		defer sub.Close()
		if w.Gap != nil && !yield(e.envelopes.Gap(nil, w.Gap, replay.Cursor{Epoch: w.Epoch, Seq: w.Start})) {
			return
		}
		var page [streamPage]broker.Delivery
		for {
			taken := sub.Next(page[:0], streamBytes)
			for i := range taken {
				if !yield(e.envelope(&taken[i], w.Epoch)) {
					return
				}
			}
			if len(taken) > 0 {
				continue
			}
			select {
			case <-ring.rings:
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

func (e *events) envelope(d *broker.Delivery, epoch string) json.RawMessage {
	if d.Gap != nil {
		return e.envelopes.Gap(nil, d.Gap, replay.Cursor{Epoch: epoch, Seq: d.Seq})
	}
	if d.Redelivered() && e.envelopes.Redelivered != nil {
		return e.envelopes.Redelivered(nil, d.Event, epoch, d.Seq)
	}
	return e.envelopes.Event(nil, d.Event, epoch, d.Seq)
}
