package replay

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hammer is publishers, broadcasters, clients and a sweeper on one small store, so
// that every bound is hit all the time.
type hammer struct {
	*Store
	t     *testing.T
	clock *clock
	users []string
	given sync.Map // "user epoch-seq" to *Event
	stop  atomic.Bool
}

// see notes that a cursor of user means ev. It must mean the same to everybody.
func (h *hammer) see(user string, c Cursor, ev *Event) {
	if had, ok := h.given.LoadOrStore(user+" "+c.String(), ev); ok && had != ev {
		h.t.Errorf("%s %s is two events", user, c)
		h.stop.Store(true)
	}
}

func (h *hammer) user(r *rand.Rand) string { return h.users[r.IntN(len(h.users))] }

func (h *hammer) publish(r *rand.Rand) {
	ev := h.clock.event(r.IntN(300))
	ev.ID, ev.IDGiven = fmt.Sprint(r.IntN(20)), r.IntN(2) == 0
	if r.IntN(4) == 0 {
		ev.Expires = ev.Time + r.Int64N(3)
	}
	user := h.user(r)
	switch r.IntN(20) {
	case 0:
		h.AppendToUnpinned(r.IntN(h.Shards()), ev)
	case 1:
		h.Find(user, ev.ID)
	default:
		h.see(user, h.Append(user, ev), ev)
	}
}

// follow is a client that resumes and then follows the log while it is pinned.
func (h *hammer) follow(r *rand.Rand, at map[string]Cursor) {
	user := h.user(r)
	l := h.Pin(user)
	defer h.Unpin(l)
	since := Since{Kind: SinceAll}
	if c, ok := at[user]; ok {
		since = Since{SinceCursor, c}
	}
	sv := l.Survey(since, func(ev *Event) bool { return ev.Expires == 0 })
	if c := since.Cursor; since.Kind == SinceCursor && c.Epoch == sv.Epoch && (c.Seq > sv.Head || sv.Start < c.Seq) {
		h.t.Errorf("%s: survey of %v: %+v", user, c, sv)
	}
	next := sv.Start + 1
	for range 4 {
		page, st := l.Read(next-1, make([]Entry, 0, 1+r.IntN(8)), 1000, nil)
		for _, e := range page {
			first := e.Seq
			if e.Lost != nil {
				first = e.Lost.From
			} else {
				h.see(user, Cursor{st.Epoch, e.Seq}, e.Event)
			}
			if first != next || st.Epoch != sv.Epoch || e.Seq > st.Head {
				h.t.Errorf("%s: %d in %+v, want %d of %s", user, first, st, next, sv.Epoch)
				return
			}
			next = e.Seq + 1
		}
		if r.IntN(2) == 0 {
			ev := h.clock.event(0)
			h.see(user, l.Append(ev), ev)
		}
	}
	at[user] = Cursor{sv.Epoch, next - 1}
}

func TestConcurrentUseKeepsEveryPromise(t *testing.T) {
	const rounds = 4000
	h := &hammer{t: t, clock: newClock()}
	for i := range 60 {
		h.users = append(h.users, fmt.Sprint("user", i))
	}
	cfg := Config{
		MaxEvents: 20, MaxBytes: 4000, MaxAge: 5 * time.Millisecond,
		MaxUsers: 20, MaxTotalBytes: 40_000, MaxWatermarks: 10, Now: h.clock.time,
	}
	h.Store = NewStore(cfg)
	var wg sync.WaitGroup
	work := func(seed uint64, step func(*rand.Rand)) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, seed))
			for i := 0; i < rounds && !h.stop.Load(); i++ {
				step(r)
			}
		})
	}
	for i := range uint64(3) {
		work(i, h.publish)
		at := make(map[string]Cursor)
		work(10+i, func(r *rand.Rand) { h.follow(r, at) })
	}
	work(20, func(r *rand.Rand) {
		if r.IntN(200) == 0 {
			h.clock.advance(time.Millisecond)
			h.Sweep(h.clock.time())
		}
		h.State(h.user(r))
		h.Stats()
	})
	wg.Wait()

	if err := checkStore(h.Store); err != nil {
		t.Error(err)
	}
	st := h.Stats()
	if st.Pinned != 0 || st.Users > cfg.MaxUsers || st.Bytes > cfg.MaxTotalBytes || st.Watermarks > cfg.MaxWatermarks {
		t.Errorf("in the end %+v, over %+v", st, cfg)
	}
	if st.EvictedUsers == 0 || st.DroppedWatermarks == 0 || st.TrimmedExpired == 0 || st.TrimmedLimit == 0 {
		t.Errorf("a bound was never hit: %+v", st)
	}
}
