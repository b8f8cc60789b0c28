package signalr

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"hubline/replay"
	"hubline/transports"
)

const (
	bwUser = "11111111-2222-3333-4444-555555555555"
	bwDev  = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// vector returns a published message of the family.
func vector(t *testing.T, name string) string {
	t.Helper()
	file, err := os.ReadFile("protocol/testdata/bitwarden-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Text   map[string]string
		Binary []struct{ Name, Hex string }
	}
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	text := v.Text[name]
	for _, b := range v.Binary {
		if b.Name == name {
			text = b.Hex
		}
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 {
		t.Fatalf("no vector %s: %v", name, err)
	}
	return string(b)
}

// Acceptance items 17, 18 and 21 of the family.
func TestBitwardenUpdates(t *testing.T) {
	const payload = `{"UserId":"` + bwUser + `","Date":"2023-11-14T22:13:20.123Z"}`
	tests := []struct {
		name    string
		family  Family
		request string
		event   replay.Event
	}{
		{"vw_type5_null_ctx", Family{}, packedShake, replay.Event{Type: "5", Data: []byte(payload)}},
		{"vw_type11_ctx_whole_second", Family{}, packedShake, replay.Event{
			Type: "11", ContextID: bwDev, Data: []byte(strings.Replace(payload, ".123", "", 1)),
		}},
		{"nw_new_type5", Family{TextDates: true, StreamIDs: true}, packedShake, replay.Event{Type: "5", Data: []byte(payload)}},
		{"nw_seed_type12_devicestatus", Family{TextDates: true}, packedShake, replay.Event{Type: "12", Data: []byte(payload)}},
		{"nw_json_type5", Family{}, jsonShake, replay.Event{Type: "5", Data: []byte(payload)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				p := dial(t, NewBitwarden(Config{}, f.b, tt.family), transports.WebSockets, Options{Meta: true, Control: true})
				p.shake(tt.request)
				f.put(&tt.event)
				p.want(strings.TrimSuffix(vector(t, tt.name), "\x1e"))
			})
		})
	}
}

// Acceptance items 24 and 25; what is no number is not for these clients.
func TestBitwardenTypes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		h := NewBitwarden(Config{}, f.b, Family{})
		p := connect(t, h, Options{})
		for _, kind := range []string{"news", "05", "-1", "1.5", "1234567890", "5x"} {
			f.publish(kind, "{}")
		}
		f.publish("0", `{"Id":"x","New":1}`)
		f.publish("999", "")
		p.want(`{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":0,"Payload":{"Id":"x","New":1}}]}`,
			`{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":999,"Payload":null}]}`)
		if n := h.Stats().Unsendable; n != 6 {
			t.Errorf("%d counted", n)
		}
	})
}

// Acceptance item 49: one SyncVault in place of a gap, however many there are.
func TestBitwardenGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		for range 10 {
			f.publish("4", "1")
		}
		soon := time.Now().Add(time.Second).UnixMilli()
		for range 5 {
			f.put(&replay.Event{Type: "4", Expires: soon})
		}
		f.publish("4", "2")
		time.Sleep(2 * time.Second)
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		p := connect(t, NewBitwarden(Config{}, f.b, Family{}), Options{Since: since(t, "1"), Control: true})
		sync := `{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":5,"Payload":{"UserId":"u","Date":"` + now + `"}}]}`
		one := `{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":4,"Payload":1}]}`
		p.want(sync, one, one, sync, strings.Replace(one, `":1}]`, `":2}]`, 1))
	})
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		soon := time.Now().Add(time.Second).UnixMilli()
		for range 10 {
			f.put(&replay.Event{Type: "4", Expires: soon})
		}
		f.publish("news", "2")
		time.Sleep(2 * time.Second)
		p := connect(t, NewBitwarden(Config{}, f.b, Family{}), Options{Since: since(t, "1")})
		if got := p.take(); len(got) != 1 {
			t.Errorf("gap before gap: %+v", got)
		}
	})
}

// A vault that was told to fetch everything may have done so before more is lost.
func TestBitwardenLaterGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("4", "1")
		p := connect(t, NewBitwarden(Config{}, f.b, Family{}), Options{Since: since(t, "lost-1")})
		sync := func() string {
			return `{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":5,"Payload":{"UserId":"u","Date":"` +
				time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `"}}]}`
		}
		p.want(sync(), `{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":4,"Payload":1}]}`)
		for range 3 {
			p.stalled.Lock()
			for range 2 {
				f.put(&replay.Event{Type: "4", Expires: time.Now().Add(time.Second).UnixMilli()})
				f.publish("news", "1") // nothing to such a client, so there are two gaps to be told of
			}
			time.Sleep(2 * time.Second)
			p.stalled.Unlock()
			p.want(sync())
			p.want()
		}
	})
}

// Acceptance item 48.
func TestOldLogOutIsNotReplayed(t *testing.T) {
	logout := `{"type":1,"target":"ReceiveMessage","arguments":[{"ContextId":null,"Type":11,"Payload":1}]}`
	for name, tt := range map[string]struct {
		issued time.Duration // after the logout; -1: unknown
		want   []string
	}{
		"token from before":        {-time.Second, []string{logout}},
		"token of the same second": {0, []string{logout}},
		"token from after":         {time.Second, nil},
		"token of unknown time":    {-1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				h := NewBitwarden(Config{}, f.b, Family{})
				o := Options{Since: since(t, "0"), IssuedAt: time.Now().Add(tt.issued)}
				if tt.issued == -1 {
					o.IssuedAt = time.Time{}
				}
				f.publish("11", "1")
				time.Sleep(5 * time.Second)
				p := connect(t, h, o)
				p.want(tt.want...)
				if got := h.Stats().Withheld; int(got) != 1-len(tt.want) {
					t.Errorf("%d withheld", got)
				}
				f.put(&replay.Event{Type: "11", Data: []byte("1"), Time: 1}) // live ones always come
				p.want(logout)
			})
		})
	}
}

// The generic profile gives 11 no meaning.
func TestGenericReplaysEverything(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish("11", "1")
		p := connect(t, NewEvents(Config{}, f.b), Options{Since: since(t, "0"), IssuedAt: time.Now().Add(time.Hour)})
		p.want(event(f, 1, "11", "1"))
	})
}
