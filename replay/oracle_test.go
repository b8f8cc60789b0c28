package replay

import (
	"slices"
	"time"
)

// oracle is the store without shards, rings or hurry: plain slices, and every rule
// written down once. It names epochs by generation, 0, 1, 2, …
type oracle struct {
	cfg     Config
	now     int64
	logs    map[string]*oracleLog // of users with a log
	lru     []string              // unpinned users, least recently used first
	marks   []string              // users with a watermark, likewise
	marked  map[string]oracleLog
	gen     int
	dropped uint64
}

type oracleLog struct {
	gen  int
	head uint64
	kept []*Event // the newest, without holes
	why  Reason
	pins int
}

func newOracle(cfg Config, now int64) *oracle {
	return &oracle{cfg: cfg, now: now, logs: map[string]*oracleLog{}, marked: map[string]oracleLog{}}
}

func (l *oracleLog) oldest() uint64 { return l.head - uint64(len(l.kept)) + 1 }

func (l *oracleLog) size() (n int) {
	for _, ev := range l.kept {
		n += ev.Size()
	}
	return n
}

func (l *oracleLog) drop(why Reason) { l.kept, l.why = l.kept[1:], why }

func without(list []string, user string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(u string) bool { return u == user })
}

func (o *oracle) gone(ev *Event) bool {
	return ev.Expires != 0 && ev.Expires <= o.now || ev.Time+o.cfg.MaxAge.Milliseconds() <= o.now
}

// look returns the user's log, aged, or what is known without one.
func (o *oracle) look(user string) oracleLog {
	if l := o.logs[user]; l != nil {
		o.age(user)
		return *l
	}
	if l, ok := o.marked[user]; ok {
		o.marks = append(without(o.marks, user), user)
		return l
	}
	return oracleLog{gen: o.gen}
}

func (o *oracle) age(user string) {
	l := o.logs[user]
	for len(l.kept) > 0 && o.gone(l.kept[0]) {
		l.drop(Expired)
	}
	if len(l.kept) == 0 && l.pins == 0 {
		o.retire(user)
	}
}

func (o *oracle) use(user string) {
	if l := o.logs[user]; l != nil && l.pins == 0 {
		o.lru = append(without(o.lru, user), user)
	}
}

// open returns the user's log, made from the watermark if there is none.
func (o *oracle) open(user string) *oracleLog {
	if o.logs[user] == nil {
		l := o.look(user)
		o.marks = without(o.marks, user)
		delete(o.marked, user)
		o.logs[user] = &l
	}
	return o.logs[user]
}

func (o *oracle) retire(user string) {
	l := o.logs[user]
	delete(o.logs, user)
	o.lru = without(o.lru, user)
	if l.head == 0 {
		return
	}
	o.marks = append(without(o.marks, user), user)
	o.marked[user] = *l
	if len(o.marks) > o.cfg.MaxWatermarks {
		victim := o.marks[0]
		o.dropped++
		if o.marked[victim].gen == o.gen {
			o.gen++
		}
		o.marks = o.marks[1:]
		delete(o.marked, victim)
	}
}

func (o *oracle) push(l *oracleLog, ev *Event) {
	for len(l.kept) > 0 && o.gone(l.kept[0]) {
		l.drop(Expired)
	}
	for len(l.kept) > 0 && (len(l.kept)+1 > o.cfg.MaxEvents || l.size()+ev.Size() > o.cfg.MaxBytes) {
		l.drop(Limit)
	}
	l.kept = append(l.kept, ev)
	l.head++
}

func (o *oracle) append(user string, ev *Event) {
	l := o.open(user)
	o.use(user)
	o.push(l, ev)
	o.shrink(user)
}

func (o *oracle) broadcast(ev *Event) int {
	n := len(o.lru)
	for _, user := range o.lru {
		o.push(o.logs[user], ev)
	}
	return n
}

func (o *oracle) totals() (users, events int, bytes int64) {
	for _, l := range o.logs {
		if len(l.kept) > 0 {
			users++
			bytes += logOverhead
		}
		events += len(l.kept)
		bytes += int64(l.size())
	}
	return users, events, bytes
}

func (o *oracle) shrink(keep string) {
	for {
		users, _, bytes := o.totals()
		if users <= o.cfg.MaxUsers && bytes <= o.cfg.MaxTotalBytes {
			return
		}
		candidates := without(o.lru, keep)
		if len(candidates) > 0 {
			l := o.logs[candidates[0]]
			l.kept, l.why = nil, Evicted
			o.retire(candidates[0])
			continue
		}
		if l := o.logs[keep]; l != nil && bytes > o.cfg.MaxTotalBytes && len(l.kept) > 1 {
			l.drop(Limit)
			continue
		}
		return
	}
}

func (o *oracle) pin(user string) {
	l := o.open(user)
	l.pins++
	o.lru = without(o.lru, user)
}

func (o *oracle) unpin(user string) {
	l := o.logs[user]
	if l.pins--; l.pins > 0 {
		return
	}
	if len(l.kept) == 0 {
		o.retire(user)
		return
	}
	o.use(user)
	o.shrink("")
}

func (o *oracle) sweep() {
	for user := range o.logs {
		o.age(user)
	}
}

func (o *oracle) advance(d time.Duration) { o.now += d.Milliseconds() }
