package signalr

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/internal/leaktest"
	"hubline/transports"
)

// hoarder is a hub whose methods keep what they are given.
func hoarder() *Hub {
	h := uploader(Config{})
	h.Handle("Wait", func(ctx context.Context, s string) { <-ctx.Done(); runtime.KeepAlive(s) })
	h.Handle("Await", func(ctx context.Context, c Caller, s string) {
		_ = c.Invoke(ctx, nil, "Note")
		runtime.KeepAlive(s)
	})
	h.Handle("Silent", func() <-chan int { return make(chan int) })
	return h
}

// What a client can make us hold has a bound in bytes, whatever these are.
// CVE-2026-26130: names, ids and error texts count like everything else.
func TestWhatAClientMakesUsHold(t *testing.T) {
	const (
		kib   = 1 << 10
		own   = 192 * kib // the message that waits, as the test and the carrier have it, and a little
		calls = 200
	)
	long := strings.Repeat("x", 15*kib)
	open64 := func(p *pipe) {
		for i := range 64 {
			p.upload(fmt.Sprint(i), "Ignore", "3600000", fmt.Sprintf("%q", fmt.Sprint("u", i)))
		}
	}
	tests := []struct {
		name    string
		paused  bool // OnConnected does not return
		open    func(p *pipe)
		message func(i int) string
		bound   int
	}{
		{
			"ids and targets of calls that fail", true, nil,
			func(i int) string { return asks(fmt.Sprint(i, long), "T"+long, "") }, 64 * kib,
		},
		{
			"stream ids of calls that wait", true, nil,
			func(i int) string {
				return fmt.Sprintf(`{"type":1,"target":"Zip","arguments":["-"],"streamIds":["a%d%s","b%d%[2]s"]}`, i, long, i)
			}, 64 * kib,
		},
		{
			"arguments of calls that wait", false, nil,
			func(i int) string { return asks(fmt.Sprint(i), "Wait", `"`+long+`"`) }, (32 + 64) * kib,
		},
		{
			"calls that await their client", false, nil,
			func(i int) string { return asks(fmt.Sprint(i), "Await", `"`+long+`"`) }, (256 + 64) * kib,
		},
		{
			"ids of streams to the client", false, nil,
			func(i int) string {
				return fmt.Sprintf(`{"type":4,"invocationId":"%d%s%[2]s","target":"Silent","arguments":[]}`, i, long)
			}, 256 * kib,
		},
		{
			"ids of streams from the client", false, nil,
			func(i int) string {
				return fmt.Sprintf(`{"type":1,"target":"Ignore","arguments":[3600000],"streamIds":["%d%s%[2]s"]}`, i, long)
			}, 256 * kib,
		},
		{
			"items", false, open64,
			func(i int) string { return item(fmt.Sprint("u", i%64), `"`+long[:7*kib]+`"`) }, 128 * kib,
		},
		{
			"large items", false, open64,
			func(i int) string { return item(fmt.Sprint("u", i%64), `"`+long+long+`"`) }, 128 * kib,
		},
		{
			"errors of streams from the client", false, open64,
			func(i int) string {
				return fmt.Sprintf(`{"type":3,"invocationId":"u%d","error":"%s%[2]s"}`, i%64, long)
			}, 128 * kib,
		},
		{
			"answers to nothing", false, nil,
			func(i int) string { return fmt.Sprintf(`{"type":3,"invocationId":"s%d","result":"%s"}`, i, long) }, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hoarder()
				if tt.paused {
					h.OnConnected(func(ctx context.Context, _ Caller) error { <-ctx.Done(); return nil })
				}
				p := connect(t, h, Options{})
				if tt.open != nil {
					tt.open(p)
				}
				p.take()
				before := leaktest.Heap()
				go func() { // ends with the connection at the latest
					for i := range calls {
						p.call(tt.message(i))
					}
				}()
				p.take() // not ours to count
				held := int(leaktest.Heap() - before)
				// Where nothing may be held, what others have let go meanwhile can make it less.
				if held > tt.bound+own || tt.bound > 0 && held < tt.bound/2 {
					t.Errorf("%d bytes are held, the bound is %d", held, tt.bound)
				}
				p.wantEnd("")
				p.Abort(transports.ReasonLost)
				p.wantEnd(transports.ReasonLost)
				h.Wait()
				p.wantRest()
			})
		})
	}
}

// While a stream that nobody reads holds the client back, its silence is our
// fault (reference, section 5).
func TestClientIsNotTimedOutWhileItsItemsWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, uploader(Config{}), Options{})
		p.must(jsonPing)
		p.upload("1", "Ignore", "60000", `"a"`)
		go func() { // ends when all items were read
			p.items("a", strings.Split(strings.Repeat(`"x",`, 14)+`"x"`, ",")...)
		}()
		time.Sleep(85 * time.Second) // there was room at 60 s
		p.wantEnd("")
		time.Sleep(10 * time.Second)
		p.wantEnd(transports.ReasonTimeout)
	})
}

// One that nobody reads does not keep the others out at once; an item of any size
// may wait if it is the only one.
func TestStreamsFromTheClientShareTheirRoom(t *testing.T) {
	sizes := map[rune]int{'A': 1000}
	for order, want := range map[string]int{
		"a":       1,
		"aa":      2,
		"aaa":     2,
		"aab":     3,
		"aabb":    3,
		"aabcd":   5, // as much again for the first of each
		"aabcde":  5,
		"aabcdea": 5,
		"A":       1,
		"Aa":      1,
		"Ab":      1,
		"aA":      1,
	} {
		t.Run(order, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := uploader(Config{MaxQueuedBytes: 100})
				p := connect(t, h, Options{})
				for _, id := range "abcde" {
					p.upload(string(id), "Ignore", "3000", `"`+string(id)+`"`)
				}
				read := make(chan rune, len(order))
				go func() { // ends when all were read
					for _, id := range order {
						size := max(40, sizes[id])
						p.items(strings.ToLower(string(id)), `"`+strings.Repeat("x", size-2)+`"`)
						read <- id
					}
				}()
				synctest.Wait()
				if n := len(read); n != want {
					t.Errorf("%d items were read, want %d", n, want)
				}
				time.Sleep(4 * time.Second)
				if n := len(read); n != len(order) {
					t.Errorf("in the end %d items were read", n)
				}
				h.Wait()
				p.wantRest()
			})
		})
	}
}
