package api

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"hubline/api/auth"
	"hubline/replay"
)

// Devices whose clients know nothing of cursors are cut off at any moment, and come
// back: each is sent all that its stack has not read, and nothing that it had confirmed
// by a sign. In the end each has confirmed everything.
func TestDevicesThatAreCutOff(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newAwayModel(t, seed).run() })
		})
	}
}

// awayModel is one user with devices of all kinds.
type awayModel struct {
	*fixture
	rng     *rand.Rand
	events  []awayEvent // by seq, from 1
	devices []*awayDevice
}

type awayEvent struct{ device, except string }

// awayDevice is a device, and what its stack has read.
type awayDevice struct {
	m     *awayModel
	kind  string
	name  string
	token string

	begins    uint64          // what was there before concerns it not
	read      map[uint64]bool // also as a gap
	confirmed uint64          // up to here a sign has come to the server
	last      uint64          // newest seq read on this connection

	stack *stack // nil: none
	pings []awayPing

	id     string          // of a hub's connection by polls
	since  string          // of the next native poll
	answer chan awayAnswer // of a poll that is under way
	cancel context.CancelFunc
	polled uint64 // newest seq of the last answer
}

type awayPing struct {
	payload string
	last    uint64 // newest seq that was read before it
}

type awayAnswer struct {
	body string
	ok   bool
}

var awayKinds = []string{"ws", "hub-ws", "hub-poll", "poll"}

func newAwayModel(t *testing.T, seed uint64) *awayModel {
	small := func(s *setup) { s.replay = replay.Config{MaxEvents: 30} }
	m := &awayModel{fixture: newFixture(t, inMemory, small).bulk(), rng: rand.New(rand.NewPCG(seed, 3))}
	for i := range 2 * len(awayKinds) {
		d := &awayDevice{m: m, kind: awayKinds[i%len(awayKinds)], name: fmt.Sprint("d", i), read: map[uint64]bool{}}
		d.token = m.token(auth.Claims{Device: d.name})
		m.devices = append(m.devices, d)
	}
	return m
}

func (m *awayModel) run() {
	for range 600 {
		d := m.devices[m.rng.IntN(len(m.devices))]
		switch m.rng.IntN(12) {
		case 0, 1, 2:
			m.publishSome()
		case 3:
			d.cut()
		case 4:
			time.Sleep(time.Duration(m.rng.IntN(6000)) * time.Millisecond)
		default:
			d.step()
		}
		if m.Failed() {
			return
		}
	}
	// Everybody comes to rest.
	for range 60 {
		for _, d := range m.devices {
			for range 20 {
				d.step()
			}
		}
		time.Sleep(time.Second)
	}
	head := uint64(len(m.events))
	for _, d := range m.devices {
		if c, _ := m.broker.DeviceCursor("anna", d.name); c.Seq != head {
			m.Errorf("%s %s: saved %d in the end, the head is %d", d.kind, d.name, c.Seq, head)
		}
		d.cut()
	}
}

// publishSome publishes events for all, for one device, for all but one, and such that
// expire soon.
func (m *awayModel) publishSome() {
	for range 1 + m.rng.IntN(4) {
		ev, more := awayEvent{}, ""
		switch d := m.devices[m.rng.IntN(len(m.devices))].name; m.rng.IntN(6) {
		case 0:
			ev.device, more = d, fmt.Sprintf(`,"device":%q`, d)
		case 1:
			ev.except, more = d, fmt.Sprintf(`,"exceptDevice":%q`, d)
		case 2:
			more = `,"ttlSeconds":2`
		}
		m.events = append(m.events, ev)
		if r := m.publish("anna", `{"type":"t"`+more+`}`); r.Seq != uint64(len(m.events)) {
			m.Fatalf("seq %d, want %d", r.Seq, len(m.events))
		}
	}
}

func (d *awayDevice) wants(seq uint64) bool {
	ev := d.m.events[seq-1]
	return (ev.device == "" || ev.device == d.name) && ev.except != d.name
}

// check compares the saved cursor with what was read, and with what was confirmed.
func (d *awayDevice) check() {
	c, known := d.m.broker.DeviceCursor("anna", d.name)
	if c.Seq > uint64(len(d.m.events)) {
		d.m.Fatalf("%s %s: the cursor is at %d, the head is %d", d.kind, d.name, c.Seq, len(d.m.events))
	}
	for seq := d.begins + 1; seq <= c.Seq; seq++ {
		if d.wants(seq) && !d.read[seq] {
			d.m.Errorf("%s %s: the cursor is at %d, but %d was not read", d.kind, d.name, c.Seq, seq)
		}
	}
	if known && c.Seq < d.confirmed {
		d.m.Errorf("%s %s: the cursor is at %d, but a sign has come for %d", d.kind, d.name, c.Seq, d.confirmed)
	}
}

// see notes what the client has read.
func (d *awayDevice) see(x seen) {
	if x.to <= d.confirmed {
		d.m.Errorf("%s %s: got %+v again, which was confirmed up to %d", d.kind, d.name, x, d.confirmed)
	}
	for seq := d.last + 1; seq < x.from; seq++ {
		if d.wants(seq) {
			d.m.Errorf("%s %s: got %+v behind %d: %d is missing", d.kind, d.name, x, d.last, seq)
		}
	}
	for seq := x.from; seq <= x.to; seq++ {
		d.read[seq] = true
	}
	d.last = x.to
}

// joined notes where a connection begins.
func (d *awayDevice) joined() {
	synctest.Wait()
	c, ok := d.m.broker.DeviceCursor("anna", d.name)
	if !ok {
		d.m.Fatalf("%s %s: connected, and has no place", d.kind, d.name)
	}
	if d.begins == 0 {
		d.begins = c.Seq
	}
	d.last = c.Seq
}

func (d *awayDevice) cut() {
	if d.stack != nil {
		_ = d.stack.conn.Close()
	}
	if d.cancel != nil {
		d.cancel()
		if a := <-d.answer; a.ok { // it was there before the cut
			d.take(a.body)
		}
	}
	d.stack, d.pings, d.id, d.since, d.cancel, d.polled = nil, nil, "", "", nil, 0
	synctest.Wait()
	d.check()
}

func (d *awayDevice) step() {
	switch d.kind {
	case "ws", "hub-ws":
		d.stepSocket()
	default:
		d.stepPoll()
	}
	d.check()
}

func (d *awayDevice) stepSocket() {
	switch {
	case d.stack == nil:
		d.check()
		if d.kind == "ws" {
			d.stack = d.m.stack("/ws?since=device", d.token)
		} else {
			d.stack = d.m.stack("/hubs/events", d.token)
			d.stack.write(opText, jsonShake+rs)
		}
		d.joined()
	case len(d.pings) > 0 && d.m.rng.IntN(3) == 0:
		d.pong()
	default:
		for range 1 + d.m.rng.IntN(5) {
			d.readFrame()
		}
	}
}

// pong answers pings as RFC 6455 allows: each, or the last for all.
func (d *awayDevice) pong() {
	pings := d.pings
	d.pings = nil
	if d.m.rng.IntN(2) == 0 {
		pings = pings[len(pings)-1:]
	}
	for _, p := range pings {
		if !d.stack.write(opPong, p.payload) {
			d.stack = nil
			return
		}
		synctest.Wait()
		d.confirmed = max(d.confirmed, p.last)
	}
}

func (d *awayDevice) readFrame() {
	if d.stack == nil {
		return
	}
	op, payload, ok := d.stack.read()
	switch {
	case d.stack.over, op == opClose:
		d.stack, d.pings = nil, nil
	case !ok:
	case op == opPing:
		d.pings = append(d.pings, awayPing{payload, d.last})
	default:
		d.take(payload)
	}
}

// take notes what an answer or a frame has.
func (d *awayDevice) take(payload string) {
	switch d.kind {
	case "ws":
		if x, ok := d.m.nativeSeen(payload); ok {
			d.see(x)
		}
	case "poll":
		a := loose[struct {
			Events []struct{ Seq uint64 }
			Cursor string
			Gap    *seenGap
		}](d.m.fixture, payload)
		if a.Gap != nil {
			d.see(seen{a.Gap.From, a.Gap.To, "gap"})
		}
		for _, e := range a.Events {
			d.see(seen{from: e.Seq, to: e.Seq})
		}
		d.since = a.Cursor
	default:
		for _, x := range d.m.hubSeen(payload) {
			d.see(x)
		}
	}
	d.polled = d.last
}

func (d *awayDevice) stepPoll() {
	if d.cancel == nil {
		d.poll()
		return
	}
	synctest.Wait()
	select {
	case a := <-d.answer:
		d.cancel()
		d.cancel = nil
		if a.ok {
			d.take(a.body)
		} else {
			d.id, d.since, d.polled = "", "", 0
		}
	default:
	}
}

// poll begins a poll, on a new connection if there is none.
func (d *awayDevice) poll() {
	path, fresh := "/events?wait=20&since="+d.since, d.id == "" && d.since == ""
	switch {
	case d.kind == "poll" && fresh:
		path += "device"
	case fresh:
		d.check()
		hub := "/hubs/events"
		id := decode[offer](d.m, d.m.send(http.MethodPost, hub+"/negotiate?negotiateVersion=1", d.token, "").body).ConnectionToken
		d.id = hub + "?id=" + url.QueryEscape(id)
		d.m.send(http.MethodGet, d.id, d.token, "")
		d.m.send(http.MethodPost, d.id, d.token, jsonShake+rs, "Content-Type", "text/plain")
		path = d.id
	case d.kind == "hub-poll":
		path = d.id
	}
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(d.m.Context())
	answers := make(chan awayAnswer, 1)
	d.answer = answers
	req := d.m.request(http.MethodGet, path, d.token, "").WithContext(ctx)
	go func() { // ends with the poll, at the latest when it is cancelled
		resp, err := d.m.client.Do(req)
		if err != nil {
			answers <- awayAnswer{}
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		answers <- awayAnswer{string(b), err == nil && resp.StatusCode == http.StatusOK}
	}()
	if fresh {
		d.joined()
		return
	}
	synctest.Wait() // the server has the poll, and knows by it what was read
	if len(answers) > 0 {
		a := <-answers
		answers <- a
		if !a.ok { // it has given the connection up
			return
		}
	}
	d.confirmed = max(d.confirmed, d.polled)
}
