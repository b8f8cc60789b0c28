package storm

import (
	"context"
	"net/http"
	"net/url"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// keeper is a device whose cursor the server keeps. It is on the goroutine that ends
// the server, so nothing moves the cursor between a start and the look at it.
type keeper struct {
	*storm

	token   string
	orderly bool          // the server was stopped, not killed
	floor   client.Cursor // what the server knew after a start: it is on the disk
	now     client.Cursor // what it should know: floor, or what was confirmed since
}

const keeperUser, keeperDevice = "keeper", "diary"

func (s *storm) newKeeper() *keeper {
	return &keeper{storm: s, token: s.server.Token(keeperUser, harness.Claims{"device": keeperDevice})}
}

// move has the device receive all that it lacks, and confirm it.
func (k *keeper) move(ctx context.Context) {
	ws, err := client.DialWS(ctx, client.Options{
		URL: k.server.URL, Token: k.token, Since: "device", Query: url.Values{"control": {"1"}},
	})
	if err != nil {
		k.t.Errorf("keeper: %v", err)
		return
	}
	defer ws.Close()
	r, err := k.server.TryPublish(ctx, keeperUser, harness.Event{Type: "t", Data: []byte("1")})
	if err != nil {
		k.t.Errorf("keeper: %v", err)
		return
	}
	for at := k.now; at.Seq < r.Seq; {
		m, err := ws.Next(ctx)
		if err != nil || m.Kind == client.Gap {
			k.t.Errorf("keeper: behind %s came %+v, %v", at, m.Gap, err)
			return
		}
		if m.Kind != client.Event {
			continue
		}
		if at != (client.Cursor{}) && m.Cursor != (client.Cursor{Epoch: at.Epoch, Seq: at.Seq + 1}) {
			k.t.Errorf("keeper: behind %s came %s", at, m.Cursor)
		}
		at = m.Cursor
		k.now = at
	}
	// The pong comes when what was sent before it is done.
	_ = ws.Send(ctx, `{"type":"ack","cursor":"`+k.now.String()+`"}`)
	_ = ws.Send(ctx, `{"type":"ping"}`)
	for {
		if m, err := ws.Next(ctx); err != nil || m.Kind == client.Pong {
			if err != nil {
				k.t.Errorf("keeper: %v", err)
			}
			return
		}
	}
}

// look compares what the server knows after a start with what was confirmed before:
// it is not behind what it knew after the start before, nor ahead of what was
// confirmed; and exactly that if the server was stopped in order.
func (k *keeper) look() {
	var a struct {
		Devices []struct {
			Device string
			Cursor *string
		}
	}
	k.server.Do(http.MethodGet, "/api/v1/users/"+keeperUser+"/devices", k.server.APIKey, "").JSON(k.t, &a)
	var on client.Cursor
	for _, d := range a.Devices {
		if d.Device == keeperDevice && d.Cursor != nil {
			var err error
			if on, err = client.ParseCursor(*d.Cursor); err != nil {
				k.t.Errorf("keeper: %v", err)
			}
		}
	}
	if on.Seq < k.floor.Seq || on.Seq > k.now.Seq || k.orderly && on != k.now ||
		on != (client.Cursor{}) && on.Epoch != k.now.Epoch {
		k.t.Errorf("keeper: the server knows %s; it knew %s, and %s was confirmed (stopped in order: %t)", on, k.floor, k.now, k.orderly)
	}
	k.floor, k.now = on, on
}
