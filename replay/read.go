package replay

// readLocked appends what follows after to dst within its capacity; expireLocked
// ran before.
func (l *Log) readLocked(now int64, after uint64, dst []Entry, maxBytes int, match func(*Event) bool) []Entry {
	if len(dst) == cap(dst) || after >= l.head {
		return dst
	}
	begin, floor := len(dst), l.oldest()-1
	if after < floor {
		dst = append(dst, lostEntry(after+1, floor, l.why.reason()))
		after = floor
	}
	bytes := 0
	for seq := after + 1; seq <= l.head; seq++ {
		ev := l.ring.at(seq - floor - 1)
		expired := ev.expiredAt(now) && (match == nil || match(ev))
		if expired && len(dst) > begin {
			if last := &dst[len(dst)-1]; last.Lost != nil && last.Lost.Reason == Expired {
				last.Seq, last.Lost.To = seq, seq
				continue
			}
		}
		if len(dst) == cap(dst) {
			break
		}
		if expired {
			dst = append(dst, lostEntry(seq, seq, Expired))
			continue
		}
		size := ev.Size()
		if len(dst) > begin && bytes+size > maxBytes {
			break
		}
		bytes += size
		dst = append(dst, Entry{Seq: seq, Event: ev})
	}
	return dst
}

func lostEntry(from, to uint64, why Reason) Entry {
	return Entry{Seq: to, Lost: &Gap{From: from, To: to, Reason: why}}
}
