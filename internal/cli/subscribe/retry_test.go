package subscribe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRefusalThatCannotBeMendedEnds(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		for _, tt := range []struct {
			turn turn
			want string
		}{
			{turn{status: 401, body: `{"title":"Unauthorized","detail":"the token has expired"}`}, "the server answered 401 Unauthorized: the token has expired"},
			{turn{status: 400, body: `{"error":"bad since"}`}, "the server answered 400 Bad Request: bad since"},
			{turn{status: 403, body: "no\x1b[31m way\nmore"}, "the server answered 403 Forbidden: no [31m way"},
			{turn{status: 404, body: "<html>"}, "the server answered 404 Not Found"},
		} {
			h := newHub(t, tt.turn)
			f := follow(t, h, Config{Transport: transport})
			<-f.done
			status, ok := errors.AsType[*StatusError](f.err)
			if !ok || status.Code != tt.turn.status || f.err.Error() != tt.want {
				t.Errorf("Run returned %v, want %s", f.err, tt.want)
			}
			if n := len(h.requested()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		}
	})
}

func TestRefusalOfALaterConnectionIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t, turn{dropAfter: 1}, turn{status: 404}, turn{status: 429, retryAfter: "3"}, turn{status: 502})
		h.publish("a", "b")
		f := follow(t, h, Config{Transport: transport, Since: "0"})
		pass(time.Minute)
		if diff := cmp.Diff(upTo(2), f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
	})
}

func TestTokenIsRenewedForEachConnection(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t, turn{dropAfter: 1}, turn{status: 503})
		h.publish("a", "b")
		f := follow(t, h, Config{Transport: transport, Since: "0"})
		pass(time.Minute)
		requests := h.requested()
		if last := requests[len(requests)-1]; last.token == "token-1" || f.tokens < 2 {
			t.Errorf("requests = %+v", requests)
		}
	})
}

func TestExpiredTokenDuringPollsBringsANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, turn{}, turn{status: 401}, turn{})
		h.publish("a")
		f := follow(t, h, Config{Transport: LongPoll, Since: "0"})
		pass(10 * time.Second)
		h.publish("b")
		synctest.Wait()
		if diff := cmp.Diff(upTo(2), f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
		if requests := h.requested(); requests[2].token != "token-2" {
			t.Errorf("requests = %+v", requests)
		}
	})
}

func TestTokenErrorEnds(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		want := errors.New("no secret")
		f := follow(t, newHub(t), Config{Transport: transport, Token: func(context.Context) (string, error) { return "", want }})
		<-f.done
		if !errors.Is(f.err, want) {
			t.Errorf("Run returned %v, want %v", f.err, want)
		}
	})
}

func TestClosingPauseIsHonoured(t *testing.T) {
	for _, transport := range []Transport{WebSocket, SSE} {
		for retry, want := range map[string]time.Duration{
			`,"retryAfterMs":4321`:          4321 * time.Millisecond,
			`,"retryAfterMs":0`:             0,
			`,"retryAfterMs":1e300`:         maxPause,
			`,"retryAfterMs":99999999999.5`: maxPause,
		} {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, turn{dropAfter: 1, closing: `{"type":"hubline.closing","data":{"reason":"drain"` + retry + `}}`})
				h.publish("a", "b")
				f := follow(t, h, Config{Transport: transport, Since: "0"})
				pass(2 * maxPause)
				requests := h.requested()
				if len(requests) < 2 || len(f.pauses) == 0 || f.pauses[0] != want || requests[1].at.Sub(requests[0].at) != want {
					t.Fatalf("%s %s: pauses %v, requests %+v, want a pause of %v", transport, retry, f.pauses, requests, want)
				}
				if diff := cmp.Diff([]string{"connected", "event 1", "disconnected: closed by the server: drain", "connected", "event 2"}, f.log); diff != "" {
					t.Errorf("heard (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestRetryAfterHeaderIsHonoured(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t, turn{status: 503, retryAfter: "7"}, turn{status: 429, retryAfter: "99999999"})
		follow(t, h, Config{Transport: transport})
		pass(time.Hour)
		requests := h.requested()
		if got := requests[1].at.Sub(requests[0].at); got != 7*time.Second {
			t.Errorf("pause after 503 = %v, want 7s", got)
		}
		if got := requests[2].at.Sub(requests[1].at); got != maxPause {
			t.Errorf("pause after 429 = %v, want %v", got, maxPause)
		}
	})
}

func TestPausesGrowToTheBoundAndBeginAnewAfterAStableConnection(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		turns := make([]turn, 0, 41)
		for range 40 {
			turns = append(turns, turn{status: 500})
		}
		if transport == LongPoll { // a poll that is answered at once and one that is held
			turns = append(turns, turn{}, turn{}, turn{status: 500})
		} else {
			turns = append(turns, turn{lifetime: time.Minute})
		}
		h := newHub(t, turns...)
		f := follow(t, h, Config{Transport: transport, MinRetry: 100 * time.Millisecond, MaxRetry: 2 * time.Second})
		pass(time.Hour)
		var longest time.Duration
		for i, pause := range f.pauses[:40] {
			longest = max(longest, pause)
			if limit := min(200*time.Millisecond<<min(i, 10), 4*time.Second); pause < 0 || pause > limit+time.Millisecond {
				t.Errorf("pause %d = %v, want at most %v", i, pause, limit)
			}
		}
		if longest < 2*time.Second {
			t.Errorf("longest pause = %v, want some beyond the mean of 2s", longest)
		}
		if last := f.pauses[40]; last > 201*time.Millisecond {
			t.Errorf("pause after a stable connection = %v, want at most 200ms", last)
		}
	})
}

func TestSilentServerIsLeft(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t, turn{silent: true})
		h.publish("a")
		f := follow(t, h, Config{Transport: transport, Since: "0", Silence: 40 * time.Second})
		pass(2 * time.Minute)
		if diff := cmp.Diff(upTo(1), f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
		requests := h.requested()
		if got := requests[1].at.Sub(requests[0].at); got < answerGrace || got > 41*time.Second {
			t.Errorf("left after %v", got)
		}
		if !strings.Contains(strings.Join(f.log, "\n"), errSilence.Error()) {
			t.Errorf("heard %q", f.log)
		}
	})
}

func TestQuietServerIsNotLeft(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t)
		f := follow(t, h, Config{Transport: transport})
		pass(time.Hour)
		if diff := cmp.Diff([]string{"connected"}, f.log); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}
