package replay

// survey is the answer in the words of the contract: what of (asked, head] is there.
func (o *oracle) survey(user string, kind SinceKind, gen int, bare bool, seq uint64, match func(*Event) bool) Survey {
	o.use(user)
	l := o.look(user)
	sv := Survey{State: State{Head: l.head, Oldest: l.oldest()}, Start: l.head, Recovered: true}
	switch {
	case kind == SinceLatest || kind == SinceDevice:
		return sv
	case kind == SinceAll:
		sv.Start, sv.Recovered = sv.Oldest-1, sv.Oldest == 1
	case !bare && gen != l.gen:
		sv.Start, sv.Lost = sv.Oldest-1, &Gap{0, sv.Oldest - 1, EpochChanged}
	case seq > l.head:
		sv.Lost = &Gap{l.head + 1, seq, Ahead}
	case seq+1 < sv.Oldest:
		sv.Start, sv.Lost = sv.Oldest-1, &Gap{seq + 1, sv.Oldest - 1, l.why}
	default:
		sv.Start = seq
	}
	if sv.Lost != nil {
		sv.Recovered = false
	}
	for i, ev := range l.kept {
		if sv.Oldest+uint64(i) <= sv.Start || match != nil && !match(ev) {
			continue
		}
		if ev.Expires != 0 && ev.Expires <= o.now {
			sv.Recovered = false
		} else {
			sv.Matching++
		}
	}
	return sv
}

// read returns everything after a seq, without pages.
func (o *oracle) read(user string, after uint64, match func(*Event) bool) []Entry {
	o.use(user)
	l := o.look(user)
	var out []Entry
	lose := func(from, to uint64, why Reason) {
		if n := len(out); n > 0 && out[n-1].Lost != nil && out[n-1].Lost.Reason == why {
			out[n-1].Lost.To, out[n-1].Seq = to, to
			return
		}
		out = append(out, Entry{Seq: to, Lost: &Gap{from, to, why}})
	}
	if after+1 < l.oldest() {
		lose(after+1, l.oldest()-1, l.why)
	}
	for i, ev := range l.kept {
		switch seq := l.oldest() + uint64(i); {
		case seq <= after:
		case ev.Expires != 0 && ev.Expires <= o.now && (match == nil || match(ev)):
			lose(seq, seq, Expired)
		default:
			out = append(out, Entry{Seq: seq, Event: ev})
		}
	}
	return out
}
