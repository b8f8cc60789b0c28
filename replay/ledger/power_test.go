package ledger

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hubline/replay"
)

// Whenever the power goes, and whatever of the unsynced is written by then, a ledger
// has everything that was acknowledged, the operation under way whole or not at all,
// and goes on. If the table is gone too, the facts are still there.
func TestPowerIsLostAtEveryMoment(t *testing.T) {
	cuts, lost := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := newPowered(t, rapid.Uint64().Draw(rt, "seed"))
		defer func() { p.Close() }()
		for range rapid.IntRange(1, 9).Draw(rt, "operations") {
			switch rapid.IntRange(0, 11).Draw(rt, "operation") {
			case 0:
				must(t, p.Checkpoint())
			case 1:
				p.advance(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
				must(t, p.Retain(p.time()))
			case 2:
				n := name{rapid.SampledFrom(crowd).Draw(rt, "user"), rapid.SampledFrom([]string{"d1", "d2"}).Draw(rt, "device")}
				p.save(n, rapid.Uint64Range(1, 9).Draw(rt, "seq"))
			case 3:
				p.publish(crowd[:rapid.IntRange(1, 4).Draw(rt, "n")], true, "", rapid.IntRange(0, 600).Draw(rt, "size"))
			case 4:
				p.say(name{"channel", rapid.SampledFrom(crowd).Draw(rt, "user")}, rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "fact"))
			case 5:
				must(t, p.Close())
				p.open()
				p.watch()
			case 6:
				p.RestateFacts()
			default:
				p.publish(rapid.SliceOfN(rapid.SampledFrom(crowd), 1, 3).Draw(rt, "users"), false,
					rapid.SampledFrom([]string{"", "k1", "k2"}).Draw(rt, "key"), rapid.IntRange(0, 600).Draw(rt, "size"))
			}
			if p.bad != nil {
				rt.Fatal(p.bad)
			}
		}
		cuts += p.cuts
		lost += p.lost
	})
	t.Logf("%d times, %d with the table", cuts, lost)
	if cuts < 500 || lost < 100 {
		t.Error("that is not often")
	}
}

// publish appends a batch: an event of its own for each user, or one for all of them.
func (p *powered) publish(users []string, toAll bool, key string, size int) {
	var entries []Entry
	p.next = map[string][]*replay.Event{}
	ev := func() *replay.Event {
		e := p.event(fmt.Sprint(p.Next(), "-", len(entries)))
		e.Data = make([]byte, size)
		for i := range e.Data {
			e.Data[i] = byte(p.rng.Uint32())
		}
		return e
	}
	var body uint64
	var all *replay.Event
	if toAll {
		all, body = ev(), p.Next()
		entries = append(entries, Entry{Event: all})
	}
	stands := map[string]replay.Standing{}
	noted := map[name]KeyRecord{}
	for _, user := range users {
		st, ok := stands[user]
		if !ok {
			st, _ = p.Find(user)
		}
		e := Entry{User: user, Event: all, Epoch: st.Epoch, Seq: st.Head + 1, Prev: st.At, Body: body}
		if !toAll {
			e.Event = ev()
		}
		if key != "" {
			k := Key{Name: key, Digest: [16]byte{byte(len(p.keys))}, ID: e.Event.ID}
			e.Keys = []Key{k}
			noted[name{user, key}] = KeyRecord{Key: k, Cursor: replay.Cursor{Epoch: e.Epoch, Seq: e.Seq}}
		}
		stands[user] = replay.Standing{Epoch: e.Epoch, Head: e.Seq, At: p.Next() + uint64(len(entries))}
		entries = append(entries, e)
		p.next[user] = append(p.next[user], e.Event)
	}
	for n := range noted { // one that is replaced is either
		delete(p.keys, n)
	}
	_, err := p.Append(entries)
	must(p.t, err)
	p.fs.Mu.Lock()
	for user, events := range p.next {
		p.events[user] = append(p.events[user], events...)
	}
	maps.Copy(p.keys, noted)
	p.next = nil
	p.fs.Mu.Unlock()
	for user, st := range stands {
		p.Note(user, st)
	}
}

func (p *powered) save(n name, seq uint64) {
	p.cursors[n] = [2]uint64{p.cursors[n][0], max(seq, p.cursors[n][0])}
	must(p.t, p.SaveCursors([]DeviceCursor{{User: n.user, Device: n.of, Cursor: replay.Cursor{Epoch: "e", Seq: seq}}}))
	p.cursors[n] = [2]uint64{p.cursors[n][1], p.cursors[n][1]}
}

// say saves a fact; empty is that it holds no more.
func (p *powered) say(n name, value string) {
	f := Fact{Kind: Member, Of: n.user, Name: n.of}
	if value != "" {
		f.Value = []byte(value)
	}
	p.facts[f.id()] = [2]string{p.facts[f.id()][0], value}
	must(p.t, p.SaveFacts([]Fact{f}))
	p.facts[f.id()] = [2]string{value, value}
}
