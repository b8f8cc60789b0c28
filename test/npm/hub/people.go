package main

import (
	"context"

	"hubline/signalr"
)

// addPeople adds methods about who gets what.
func addPeople(h *signalr.Hub) {
	h.Handle("Join", func(c signalr.Caller, group string) error { return c.Join(group) })
	h.Handle("Leave", func(c signalr.Caller, group string) { c.Leave(group) })
	h.Handle("PutInto", func(id, group string) error { return h.Join(id, group) })
	h.Handle("TakeOut", func(id, group string) { h.Leave(id, group) })

	h.Handle("ToCaller", func(c signalr.Caller, v any) error { return c.Send("heard", v) })
	h.Handle("ToAll", func(v any) error { return h.All().Send("heard", v) })
	h.Handle("ToAllExcept", func(v any, ids []string) error { return h.AllExcept(ids...).Send("heard", v) })
	h.Handle("ToOthers", func(c signalr.Caller, v any) error { return c.Others().Send("heard", v) })
	h.Handle("ToConnections", func(v any, ids []string) error { return h.Connections(ids...).Send("heard", v) })
	h.Handle("ToUsers", func(v any, names []string) error { return h.Users(names...).Send("heard", v) })
	h.Handle("ToGroups", func(v any, names []string) error { return h.Groups(names...).Send("heard", v) })
	h.Handle("ToGroupExcept", func(v any, group string, ids []string) error {
		return h.GroupExcept(group, ids...).Send("heard", v)
	})
	h.Handle("ToOthersInGroup", func(c signalr.Caller, v any, group string) error {
		return c.OthersInGroup(group).Send("heard", v)
	})
	h.Handle("Flood", func(c signalr.Caller, n int) error {
		for i := range n {
			if err := c.Send("heard", i); err != nil {
				return err
			}
		}
		return nil
	})
}

// Seen is what a hub knows of a caller.
type Seen struct {
	ID, User, Transport string
	Identity            any
	Path, Query, Header string
	Cookie              string
}

// addLives adds what is about the connection itself.
func addLives(h *signalr.Hub, b *board) {
	h.OnConnected(func(_ context.Context, c signalr.Caller) error {
		c.Set("greeting", "hello "+c.User())
		if err := c.Send("welcome", c.Get("greeting"), c.ConnectionID()); err != nil {
			return err
		}
		return c.Others().Send("joined", c.ConnectionID())
	})
	h.OnDisconnected(func(c signalr.Caller, err error) {
		text := "well"
		if err != nil {
			text = err.Error()
		}
		b.put("gone "+c.ConnectionID(), text)
		_ = c.Others().Send("left", c.ConnectionID())
	})
	h.Handle("Greeting", func(c signalr.Caller) any { return c.Get("greeting") })
	h.Handle("Seen", func(c signalr.Caller, header, cookie string) Seen {
		r := c.Request()
		seen := Seen{
			ID: c.ConnectionID(), User: c.User(), Transport: string(c.Transport()), Identity: c.Identity(),
			Path: r.URL.Path, Query: r.URL.Query().Get("own"), Header: r.Header.Get(header),
		}
		if k, err := r.Cookie(cookie); err == nil {
			seen.Cookie = k.Value
		}
		return seen
	})
	h.Handle("Abort", func(c signalr.Caller) { c.Abort() })
	h.Handle("Note", func(key, text string) { b.put(key, text) })
	h.Handle("Noted", b.take)
	h.Handle("HasNote", b.has)
}

// refuse is an OnConnected that lets nobody in.
func refuse(_ context.Context, c signalr.Caller) error {
	if c.User() == "teller" {
		return signalr.Errorf("not today")
	}
	panic("a secret")
}
