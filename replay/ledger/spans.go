package ledger

import (
	"cmp"
	"slices"
)

// span is a range of indexes, both ends included.
type span struct{ first, last uint64 }

// spans are indexes in order, without overlap; neighbours are one.
type spans []span

func (s spans) has(index uint64) bool {
	_, ok := slices.BinarySearchFunc(s, index, func(p span, index uint64) int {
		switch {
		case p.last < index:
			return -1
		case p.first > index:
			return 1
		}
		return 0
	})
	return ok
}

// add returns the spans with one more.
func (s spans) add(p span) spans {
	all := append(slices.Clone(s), p)
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	out := all[:1]
	for _, p := range all[1:] {
		if end := &out[len(out)-1]; p.first <= end.last || p.first == end.last+1 {
			end.last = max(end.last, p.last)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// without returns what of p is in none of the spans.
func (s spans) without(p span) spans {
	var out spans
	for _, q := range s {
		if q.last < p.first || q.first > p.last {
			continue
		}
		if q.first > p.first {
			out = append(out, span{p.first, q.first - 1})
		}
		if q.last >= p.last {
			return out
		}
		p.first = q.last + 1
	}
	return append(out, p)
}

// from returns the spans without what is before an index.
func (s spans) from(index uint64) spans {
	var out spans
	for _, p := range s {
		if p.last >= index {
			out = append(out, p)
		}
	}
	return out
}

// upTo returns the spans without what is after an index: such indexes are given
// again.
func (s spans) upTo(index uint64) spans {
	var out spans
	for _, p := range s {
		if p.first <= index {
			out = append(out, span{p.first, min(p.last, index)})
		}
	}
	return out
}

// behind counts the indexes after one.
func (s spans) behind(index uint64) (n uint64) {
	for _, p := range s {
		if p.last > index {
			n += p.last - max(p.first, index+1) + 1
		}
	}
	return n
}
