package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// oracle is what a journal should be: a list.
type oracle struct {
	first   uint64 // index of records[0]; what is before may be there or not
	records [][]byte
	// unsure were submitted in order and not acknowledged before the power went.
	unsure [][][]byte
}

func (o *oracle) last() uint64 { return o.first + uint64(len(o.records)) - 1 }

type machine struct {
	fs  *memFS
	dir string
	j   *Journal
	o   oracle
	rng *rand.Rand
}

func (m *machine) open(t *rapid.T) {
	var err error
	if m.j, err = Open(m.dir, Options{SegmentBytes: minSegmentBytes, MaxCommitBytes: 4 << 10, FS: m.fs}); err != nil {
		t.Fatal(err)
	}
}

// submission draws records and their content.
func (m *machine) submission(t *rapid.T) [][]byte {
	sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 6000)), 1, 5).Draw(t, "sizes")
	records := make([][]byte, len(sizes))
	for i, n := range sizes {
		records[i] = make([]byte, n)
		for k := range records[i] {
			records[i][k] = byte(m.rng.Uint32())
		}
	}
	return records
}

// submit submits several at once and waits for all; those that are acknowledged
// enter the oracle.
func (m *machine) submit(t *rapid.T) {
	n := rapid.IntRange(1, 8).Draw(t, "submissions")
	answers := make(chan error, n)
	want := m.o.last() + 1
	var given [][][]byte
	for range n {
		given = append(given, m.submission(t))
	}
	for i, records := range given {
		if err := m.j.Submit(int64(i), records, func(first uint64, err error) {
			if err == nil && first != want {
				err = fmt.Errorf("index %d, want %d", first, want)
			} else if err == nil {
				want += uint64(len(records))
			}
			answers <- err
		}); err != nil {
			answers <- err
		}
	}
	for _, records := range given {
		err := <-answers
		switch {
		case err == nil && m.o.unsure == nil:
			m.o.records = append(m.o.records, records...)
		case errors.Is(err, ErrNoSpace):
		case errors.Is(err, ErrFailed):
			m.o.unsure = append(m.o.unsure, records)
		default:
			t.Fatal(err)
		}
	}
}

// crash takes the power away during an operation, and settles what was unsure by
// what is there: a number of whole submissions, in order.
func (m *machine) crash(t *rapid.T) {
	left := rapid.IntRange(0, 20).Draw(t, "operations left")
	m.fs.on(func(_, _ string, n int) (int, error) {
		if left--; left < 0 {
			return n * (-left % 4) / 3, errPower
		}
		return n, nil
	})
	m.submit(t)
	m.j.Close()
	m.fs.powerLoss(m.rng)
	m.open(t)
	for _, records := range m.o.unsure {
		if m.j.Last() <= m.o.last() {
			break
		}
		m.o.records = append(m.o.records, records...)
	}
	m.o.unsure = nil
	m.check(t)
}

func (m *machine) check(t *rapid.T) {
	if m.j.Last() != m.o.last() || m.j.First() > m.o.first {
		t.Fatalf("first, last = %d, %d, want %d, %d", m.j.First(), m.j.Last(), m.o.first, m.o.last())
	}
	want := m.o.first
	if err := m.j.Range(want, func(r Record) error {
		if r.Damage != nil || r.Index != want || !bytes.Equal(r.Data, m.o.records[want-m.o.first]) {
			return fmt.Errorf("index %d, want %d: damaged %t, %d bytes", r.Index, want, r.Damage != nil, len(r.Data))
		}
		want++
		return nil
	}); err != nil || want != m.o.last()+1 {
		t.Fatal(want, err)
	}
}

// The journal does what a list does, through full disks, orderly ends and loss of
// power at any moment.
func TestJournalIsAList(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		m := &machine{fs: newMemFS(), dir: dir, o: oracle{first: 1}, rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		m.open(t)
		defer func() { m.j.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"submit": m.submit,
			"full": func(t *rapid.T) {
				nth := rapid.IntRange(1, 4).Draw(t, "write")
				m.fs.on(failNth("write", nth, syscall.ENOSPC))
				m.submit(t)
				m.fs.on(nil)
			},
			"crash": m.crash,
			"reopen": func(t *rapid.T) {
				if err := m.j.Close(); err != nil {
					t.Fatal(err)
				}
				m.open(t)
			},
			"read": func(t *rapid.T) {
				i := rapid.Uint64Range(m.o.first, m.o.last()+1).Draw(t, "index")
				b, err := m.j.Read(i, []byte("before"))
				if i > m.o.last() {
					if !errors.Is(err, ErrNotFound) {
						t.Fatal(err)
					}
				} else if err != nil || string(b) != "before"+string(m.o.records[i-m.o.first]) {
					t.Fatal(i, err)
				}
			},
			"drop": func(t *rapid.T) {
				i := rapid.Uint64Range(m.o.first, m.o.last()+2).Draw(t, "index")
				if err := m.j.DropBefore(i); err != nil {
					t.Fatal(err)
				}
				i = min(i, m.o.last()+1)
				m.o.records = m.o.records[i-m.o.first:]
				m.o.first = i
				if s := m.j.Segments()[0]; s.Last < i && len(m.j.Segments()) > 1 {
					t.Fatalf("%d to %d is still there", s.First, s.Last)
				}
			},
			"": m.check,
		})
	})
}
