package longpoll

// Confirmer is a session that wants to know how far its client has read, by marks in
// what it lays out, which grow.
type Confirmer interface {
	// Laid is the mark behind everything that Fill has laid out so far, or ok is false
	// where there is none. It is called by who fills.
	Laid() (mark uint64, ok bool)
	// Read tells that the client has read everything up to the mark.
	Read(mark uint64)
}

// marks tell what a client has read: it polls again when it has the answer to the last
// poll. Each is one more than the session's, so that zero is none; Conn.mu guards them.
type marks struct {
	laid  uint64 // behind what was taken out of the session
	given uint64 // behind what answers have carried
	asked uint64 // behind what answers had carried when the newest poll came
	told  uint64 // behind what the session knows to be read
	lost  bool   // an answer did not arrive: what came behind it proves nothing
	ticks uint8  // of the sweeper since skip
}

// skipTicks is after how many seconds it is looked whether what has come since is not for
// the client: otherwise that would be known when its poll has run out.
const skipTicks = 5

// skip tells the session that the client, which has read everything, lacks nothing of
// what has come since either: it was not for it, or it would have been laid out, or wait.
func (k *Conn) skip() {
	c, ok := k.c.Session().(Confirmer)
	if !ok || !k.fill.TryLock() {
		return
	}
	defer k.fill.Unlock()
	mark, ok := c.Laid()
	k.mu.Lock()
	m := &k.marks
	news := ok && m.told == m.given && len(k.taken) == 0 && mark+1 > m.told && !m.lost
	if news {
		m.laid, m.given, m.asked, m.told = mark+1, mark+1, mark+1, mark+1
	}
	k.mu.Unlock()
	if news {
		c.Read(mark)
	}
}

// noteLaid notes that all of the session up to here was taken; k.fill and k.mu are held.
func (k *Conn) noteLaid(mark uint64, ok bool) {
	if ok {
		k.marks.laid = max(k.marks.laid, mark+1)
	}
}

// confirm tells the session what is known to be read by now: what was carried by
// answers before the newest poll. As long as one of them is still being written it is
// not known that this one arrives, and so neither is anything behind it.
func (k *Conn) confirm() {
	c, ok := k.c.Session().(Confirmer)
	if !ok {
		return
	}
	k.mu.Lock()
	m := &k.marks
	news := m.asked > m.told && k.busy == 0 && !m.lost
	if news {
		m.told = m.asked
	}
	mark := m.told - 1
	k.mu.Unlock()
	if news {
		c.Read(mark)
	}
}
