package longpoll

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
)

// What an answer has taken with it is gone: the client must begin anew.
func TestLostAnswerEndsTheConnection(t *testing.T) {
	tests := []struct {
		name string
		then func(h *hub)
		want transports.Reason
	}{
		{"client hangs up", func(h *hub) { _ = h.Close() }, transports.ReasonLost},
		{"client is slow", func(*hub) {}, transports.ReasonSlow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			both(t, func(t *testing.T, g *rig, wait time.Duration) {
				h := g.join()
				h.poll()
				time.Sleep(wait)
				h.d.Push(strings.Repeat("x", 10*piece))
				if _, err := io.CopyN(io.Discard, h.r, piece); err != nil {
					t.Fatal(err)
				}
				tt.then(h)
				<-h.d.Over
				if got := h.d.Reason(); got != tt.want {
					t.Errorf("ended with %q, want %q", got, tt.want)
				}
				h.client = g.connect()
				h.poll()
				h.want(http.StatusNotFound, "text/plain", "No Connection with that ID")
				g.settled()
			})
		})
	}
}

// An answer of no data that is lost costs the client nothing.
func TestLostEmptyAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		h := g.join()
		h.poll()
		time.Sleep(91*time.Second + 11*time.Second) // not read: the write fails
		h.d.Push("a")
		h.client = g.connect()
		h.poll()
		h.want(http.StatusOK, typeBinary, "a")
	})
}

// Many polls at a time, as a broken client might send: one gets the data, all
// get an answer, and nothing is lost or out of order.
func TestManyPollsAtATime(t *testing.T) {
	g := newTCPRig(t, Config{ParkAfter: time.Millisecond})
	h := g.join()
	const polls = 50
	texts := make(chan string, polls)
	for range polls {
		c := &hub{client: g.connect(), target: h.target}
		c.poll()
		go func() { // ends with the answer
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				texts <- err.Error()
				return
			}
			b, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			texts <- string(b)
		}()
	}
	for range polls - 1 {
		if s := xtest.Wait(t, texts, "an answer"); s != "" {
			t.Errorf("got %q", s)
		}
	}
	h.d.Push("a")
	if s := xtest.Wait(t, texts, "the last answer"); s != "a" {
		t.Errorf("got %q, want a", s)
	}
}

// A client that takes its time for a long answer is not away.
func TestNobodyIsAwayWhileTheAnswerIsOnItsWay(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.poll()
		time.Sleep(wait)
		began := time.Now()
		h.d.Push(strings.Repeat("x", 300<<10))
		resp, err := http.ReadResponse(h.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for n := int64(1); n > 0; {
			time.Sleep(2 * time.Second)
			if n, err = io.CopyN(io.Discard, resp.Body, 32<<10); err != nil && err != io.EOF { //nolint:errorlint // CopyN's contract
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 16*time.Second {
			t.Fatalf("it took %v only", took)
		}
		time.Sleep(9 * time.Second) // now it is, but not for long
		h.poll()
		h.d.Push("y")
		h.want(http.StatusOK, typeBinary, "y")
	})
}
