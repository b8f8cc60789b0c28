package journal

// tail is what is found in the newest segment when it is opened.
type tail struct {
	rel    uint64 // index of what comes next
	off    int64  // where it goes
	torn   int64  // bytes behind off that belong to a commit that did not finish
	newest int64  // valid if any
	any    bool
	marked bool // the last thing is the mark of an orderly end
	spots  []spot
	damage []item
}

// settle decides what in the newest segment counts. A commit is synced before
// the next one is written. So the begin of a commit proves all that stands before it: what is
// unreadable there is damage. The last commit proves nothing but itself: if any
// of it is unreadable or missing it was, as far as anybody can tell, never
// acknowledged, and all of it goes, so that a submission is there whole or not
// at all. An orderly end leaves a mark, which proves the last commit too.
func settle(s *scanner) (tail, error) {
	t := tail{rel: s.rel, off: s.off}
	sp := spotter{block: -1}
	var damage []item
	whole := false // everything since the last begin has been there
	spots, newest, seen := 0, int64(0), false
	keep := func(rel uint64, off int64) { // what was read until here counts
		t.rel, t.off, t.newest, t.any = rel, off, newest, seen
		spots, t.damage = len(sp.spots), damage
	}
	for {
		it, err := s.next()
		if err != nil {
			return t, err
		}
		if it.kind == kindEnd {
			last, err := s.w.lastNonZero(t.off)
			t.torn, t.spots = last-t.off, sp.spots[:spots]
			return t, err
		}
		if it.headOK && it.begin {
			keep(it.rel, it.off)
			whole = true
		}
		sp.item(it)
		switch {
		case it.kind == kindDamaged:
			damage = append(damage, it)
			whole = false
		case it.kind == kindRecord && (!seen || it.at > newest):
			newest, seen = it.at, true
		}
		if whole && it.end {
			keep(s.rel, s.off)
			whole = false
		}
		t.marked = it.kind == kindMark
	}
}
