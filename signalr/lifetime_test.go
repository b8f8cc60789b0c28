package signalr

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"hubline/transports"
)

// diary is a hub that notes its connections' lives.
type diary struct {
	*Hub
	ends []error
}

func newDiary(welcome func(context.Context, Caller) error) *diary {
	d := &diary{Hub: New(Config{})}
	d.OnConnected(welcome)
	d.OnDisconnected(func(c Caller, err error) { d.ends = append(d.ends, err) })
	d.Handle("Quick", func() string { return "quick" })
	return d
}

func TestLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDiary(func(ctx context.Context, c Caller) error {
			if err := c.Send("hello", c.User()); err != nil {
				return err
			}
			time.Sleep(time.Second)
			if err := c.Invoke(ctx, nil, "x"); !errors.Is(err, errInOnConnected) {
				t.Errorf("got %v", err)
			}
			return c.Join("g")
		})
		p := connect(t, d.Hub, Options{})
		p.call(asks("1", "Quick", ""))
		p.want(`{"type":1,"target":"hello","arguments":["u"]}`) // the call waits
		time.Sleep(2 * time.Second)
		p.want(`{"type":3,"invocationId":"1","result":"quick"}`)
		p.wantRest()
		p.call(`{"type":7}`)
		p.want(`{"type":7}`)
		d.Wait()
		if !slices.Equal(d.ends, []error{nil}) {
			t.Errorf("OnDisconnected was told %v", d.ends)
		}
		if n := len(d.directory.conns) + len(d.directory.users) + len(d.directory.groups) + len(d.directory.joined); n != 0 {
			t.Errorf("%d entries are left", n)
		}
	})
}

func TestRefusedByOnConnected(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{Errorf("no room"), `{"type":7,"error":"Connection closed with an error. HubException: no room"}`},
		{errors.New("secret"), `{"type":7,"error":"Connection closed with an error."}`},
		{nil, `{"type":7,"error":"Connection closed with an error."}`}, // a panic
	} {
		bubble(t, func(t *testing.T) {
			d := newDiary(func(context.Context, Caller) error {
				if tt.err == nil {
					panic("secret")
				}
				return tt.err
			})
			p := connect(t, d.Hub, Options{})
			p.want(tt.want)
			p.wantEnd(transports.ReasonInternal)
			d.Wait()
			if len(d.ends) != 0 || len(d.directory.conns) != 0 {
				t.Errorf("OnDisconnected ran %d times, %d connections are listed", len(d.ends), len(d.directory.conns))
			}
		})
	}
}

// OnDisconnected runs once, also if the connection ended while OnConnected ran.
func TestEndDuringOnConnected(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDiary(func(ctx context.Context, c Caller) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return nil
		})
		p := connect(t, d.Hub, Options{})
		p.call(asks("1", "Quick", ""))
		p.s.Leave(transports.ReasonRevoked)
		p.wantEnd(transports.ReasonRevoked)
		d.Wait()
		if len(d.ends) != 1 || d.ends[0] == nil || d.ends[0].Error() != "signalr: connection ended: revoked" {
			t.Errorf("OnDisconnected was told %v", d.ends)
		}
		p.wantRest()
	})
}

func TestConnectionContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := New(Config{})
		h.Handle("Set", func(c Caller, v string) { c.Set("k", v) })
		h.Handle("Get", func(c Caller) any { return c.Get("k") })
		h.Handle("Identity", func(c Caller) any { return c.Identity() })
		h.Handle("Admin", func() {}, Require(func(c Caller) bool { return c.User() == "root" }))
		h.Handle("Broken", func() {}, Require(func(Caller) bool { panic("x") }))
		p := connect(t, h, Options{Identity: "claims"})
		for _, tt := range []struct{ target, args, want string }{
			{"Get", "", `"result":null`},
			{"Set", `"v"`, `"result":null`},
			{"Get", "", `"result":"v"`},
			{"Identity", "", `"result":"claims"`},
			{"Admin", "", `"error":"Failed to invoke 'Admin' because user is unauthorized"`},
			{"Broken", "", `"error":"Failed to invoke 'Broken' because user is unauthorized"`},
		} {
			p.call(asks("1", tt.target, tt.args))
			p.want(`{"type":3,"invocationId":"1",` + tt.want + `}`)
		}
	})
}
