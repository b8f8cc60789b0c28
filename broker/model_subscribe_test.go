package broker

import (
	"fmt"

	"pgregory.net/rapid"

	"hubline/replay"
)

func (m *model) subscribe(t *rapid.T) {
	o := &oracleSub{
		user:   rapid.SampledFrom(modelUsers).Draw(t, "user"),
		device: rapid.SampledFrom(modelDevices).Draw(t, "device"),
		match:  rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "match"),
	}
	head, floor := m.head(o.user), m.floor(o.user)
	at := rapid.Uint64Range(0, head).Draw(t, "at")
	since := rapid.SampledFrom([]string{"latest", "0", "E-", "", "device", "X-"}).Draw(t, "since")
	var lost *replay.Gap
	whole := true
	resume := replay.Cursor{Epoch: m.store.State(o.user).Epoch}
	switch since {
	case "latest":
		o.pos = head
	case "0":
		o.pos, whole, since = floor, floor == 0, "0"
	case "X-":
		o.pos, lost, resume = floor, &replay.Gap{To: floor, Reason: replay.EpochChanged}, replay.Cursor{Epoch: "other", Seq: at}
		since += fmt.Sprint(at)
	case "device":
		var ok bool
		if at, ok = m.saved[deviceID{o.user, o.device}]; !ok {
			o.pos, whole = head, false
			break
		}
		o.pos, lost = m.after(o.user, at)
	default:
		if since == "" && at == 0 {
			since = "E-" // a bare 0 is no cursor
		}
		since += fmt.Sprint(at)
		o.pos, lost = m.after(o.user, at)
	}
	if resume.Epoch != "other" {
		if resume.Seq = o.pos; lost != nil && lost.Reason != replay.Ahead {
			resume.Seq = at
		}
	}
	o.behind = o.pos < head
	want := Welcome{
		Epoch: m.store.State(o.user).Epoch, Start: o.pos, Head: head, Oldest: floor + 1,
		Recovered: whole && lost == nil, Gap: lost, Resume: resume,
	}
	for _, ev := range m.events[o.user][o.pos:] {
		if o.wanted(ev) {
			want.Replayed++
		}
	}
	options := Options{User: o.user, Device: o.device}
	if o.match != "" {
		options.Match = func(ev *replay.Event) bool { return ev.Type == o.match }
	}
	conns := 0
	for _, other := range m.subs {
		if other.user == o.user {
			conns++
		}
	}
	c, err := m.trySubscribe(options, since)
	var refusal error
	switch {
	case len(m.subs) == m.cfg.MaxConnections:
		refusal = ErrFull
	case conns == m.cfg.MaxConnectionsPerUser:
		refusal = ErrTooManyConnections
	}
	if err != refusal { //nolint:errorlint // exactly that one
		t.Fatalf("Subscribe: %v, want %v with %d and %d connections", err, refusal, len(m.subs), conns)
	}
	if err != nil {
		return
	}
	if got, want := welcomeText(c.Welcome), welcomeText(want); got != want {
		t.Fatalf("Subscribe since %s = %s, want %s", since, got, want)
	}
	o.client = c
	m.subs = append(m.subs, o)
}

func welcomeText(w Welcome) string {
	gap := gapText(w.Gap)
	w.Gap = nil
	return fmt.Sprintf("%+v %s", w, gap)
}

func (m *model) after(user string, at uint64) (pos uint64, lost *replay.Gap) {
	if floor := m.floor(user); at < floor {
		return floor, &replay.Gap{From: at + 1, To: floor, Reason: replay.Limit}
	}
	return at, nil
}
