package notify

import (
	"testing"
	"testing/synctest"
)

// Whatever a server answers, a call returns, says no more than it was told, and what it
// returns without an error is an answer to what it asked.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"id":"x","seq":1,"cursor":"e-1","durability":"disk","delivered":1,"duplicate":false}`,
		`{"id":"x","members":2,"failed":0,"durability":"disk","delivered":1,"duplicate":true}`,
		`{"id":"x","users":2,"durability":"memory","delivered":1,"duplicate":true}`,
		`[{"id":"x","receipts":[{"id":"x","seq":1,"cursor":"e-1","durability":"disk","delivered":1,"duplicate":false},{"error":{"type":"/problems/p","title":"t","status":503}}]}]`,
		`[{"error":{"type":"/problems/too-large","title":"t","status":413}}]`,
		`[{"id":"x","receipts":[]}]`, `[]`, `[null]`, `null`, `{}`, `{"error":null}`,
		`{"channel":"c","total":1,"members":[{"user":"a","online":true}],"next":"a"}`,
		`{"online":true,"connections":1,"devices":["d"]}`, `{"disconnected":1,"refusedUntil":null}`,
		`{"issuedBefore":null,"until":1,"disconnected":0}`, `{"channels":["c"]}`, `{"changed":true}`,
		`{"epoch":"e","head":1,"oldest":1,"events":[{"id":"x","seq":1,"cursor":"e-1","type":"t","ts":1,"data":{ }}],"cursor":"e-1","gap":{"from":1,"to":2,"reason":"limit"}}`,
		`{"type":"/problems/x","title":"t","status":400,"detail":"d"}`,
	} {
		for _, status := range []int{200, 201, 400, 503, 302} {
			f.Add(status, jsonText, "3", []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, status int, kind, retry string, body []byte) {
		if status < 200 || status > 999 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			n, server := newFake(t, Config{MaxAttempts: 2}, reply(status, kind, string(body), "Retry-After", retry))
			ctx, e := t.Context(), Event{Type: "t", ID: "x"}
			check := func(ok bool, err error, what string) {
				if err == nil && (status/100 != 2 || !ok) {
					t.Errorf("%s takes %d %q", what, status, body)
				}
				if err != nil && err.Error() == "" {
					t.Errorf("%s: an error without a text", what)
				}
			}
			r, err := n.SendToUser(ctx, "ann", e)
			check(r.ID == "x" && r.Seq > 0 && r.Delivered >= 0, err, "SendToUser")
			cr, err := n.SendToChannel(ctx, "c", e)
			check(cr.ID == "x" && cr.Members >= 0, err, "SendToChannel")
			br, err := n.Broadcast(ctx, e)
			check(br.ID == "x" && br.Users >= 0, err, "Broadcast")
			results, err := n.SendToUsers(ctx, []string{"ann", "ben"}, e)
			check(len(results) == 2, err, "SendToUsers")
			for _, r := range results {
				check(r.Receipt.ID == "x" && r.Receipt.Seq > 0, r.Err, "a result")
			}
			members := 0
			for _, err := range n.Members(ctx, "c") {
				check(true, err, "Members")
				if members++; members > len(body) {
					break
				}
			}
			_, err = n.AddMember(ctx, "c", "ann")
			check(true, err, "AddMember")
			_, err = n.Channels(ctx, "ann")
			check(true, err, "Channels")
			p, err := n.Presence(ctx, "ann")
			check(p.Online == (p.Connections > 0), err, "Presence")
			_, err = n.Disconnect(ctx, "ann", DisconnectOptions{})
			check(true, err, "Disconnect")
			_, err = n.Revoke(ctx, Revocation{User: "ann"})
			check(true, err, "Revoke")
			l, err := n.Events(ctx, "ann", EventsQuery{})
			check(l.Epoch != "" && l.Cursor != "", err, "Events")
			if most := 2*12 + members + 2; server.requests() > most {
				t.Errorf("%d requests", server.requests())
			}
		})
	})
}
