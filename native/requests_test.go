package native

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"hubline/transports"
)

// desk lets membership changes wait, and notes them.
type desk struct {
	open chan struct{}
	done []string
	over int // that ended with their connection
}

func (d *desk) change(ctx context.Context, _ transports.Conn, channel string, in bool) error {
	select {
	case <-d.open:
	case <-ctx.Done():
		d.over++
		return ctx.Err()
	}
	d.done = append(d.done, fmt.Sprint(channel, in))
	if channel == "bad" {
		return errors.New("Forbidden")
	}
	return nil
}

func (p *pipe) ask(kind, channel, ref string) {
	p.t.Helper()
	if err := p.s.Receive(fmt.Appendf(nil, `{"type":%q,"channel":%q,"ref":%q}`, kind, channel, ref), true); err != nil {
		p.t.Fatal(err)
	}
}

func TestMembershipsAreChangedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{open: make(chan struct{}, 100)}
		cfg := Config{Channels: d.change}.WithDefaults()
		p := newFixture(t).dialWith(&cfg, transports.WebSockets, Options{})
		for i := range 5 {
			p.ask([]string{"subscribe", "unsubscribe"}[i%2], "c", fmt.Sprint(i))
		}
		p.ask("subscribe", "bad", "5")
		synctest.Wait()
		if len(d.done) != 0 {
			t.Errorf("done before it may be: %v", d.done)
		}
		for range 6 {
			d.open <- struct{}{}
		}
		synctest.Wait()
		if got := strings.Join(d.done, " "); got != "ctrue cfalse ctrue cfalse ctrue badtrue" {
			t.Error(got)
		}
		got := p.take()
		if len(got) != 6 || !strings.Contains(got[5], `"ref":"5","ok":false,"error":"Forbidden"`) || !strings.Contains(got[0], `"ok":true,"cursor":"`) || strings.Contains(got[1], "cursor") {
			t.Errorf("answers %q", got)
		}
	})
}

// A client may not pile up more than a bound, and what waits ends with it.
func TestWaitingMembershipsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{open: make(chan struct{})}
		cfg := Config{Channels: d.change}.WithDefaults()
		p := newFixture(t).dialWith(&cfg, transports.WebSockets, Options{})
		p.ask("subscribe", "c", "first") // under way, and waits no more
		synctest.Wait()
		for i := range maxRequests {
			p.ask("subscribe", "c", fmt.Sprint(i))
		}
		synctest.Wait()
		if got := p.take(); len(got) != 0 {
			t.Errorf("answers %q", got)
		}
		p.ask("subscribe", "c", "over")
		synctest.Wait()
		if got := strings.Join(p.take(), " "); !strings.Contains(got, "too many requests wait") {
			t.Errorf("answers %q", got)
		}
		p.Close(transports.ReasonLost)
		synctest.Wait()
		if d.over != 1 || len(d.done) != 0 {
			t.Errorf("%d ended with the connection, done %v", d.over, d.done)
		}
	})
}

func TestWithoutChannels(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(transports.WebSockets, Options{})
		p.ask("subscribe", "c", "r")
		synctest.Wait()
		if got := strings.Join(p.take(), " "); !strings.Contains(got, "no channels") {
			t.Errorf("answers %q", got)
		}
	})
}
