package serve

import (
	"net/http"
	"testing"

	"hubline/signalr"
)

// Reference section 6.4: methods see the request of the present socket. One that could not
// be upgraded is none.
func TestMethodsSeeTheRequestOfTheirSocket(t *testing.T) {
	t.Parallel()
	hub := signalr.New(signalr.Config{})
	hub.Handle("Try", func(c signalr.Caller) string { return c.Request().URL.Query().Get("try") })
	s := New(Config{})
	s.Handle("/hub", hub, Options{Stateful: true})
	at, _ := negotiateStateful(t, start(t, s)+"/hub", "true")

	c, _ := dialSocket(t, at+"&try=first")
	send(t, c, `{"protocol":"json","version":2}`)
	want(t, c, "{}")
	send(t, c, `{"type":6}`)
	try := func(id, text string) {
		t.Helper()
		send(t, c, `{"type":1,"invocationId":"`+id+`","target":"Try","arguments":[]}`)
		for {
			if got := receive(t, c); got == `{"type":3,"invocationId":"`+id+`","result":"`+text+`"}` {
				return
			} else if got[:9] == `{"type":3` {
				t.Fatalf("got %s, want %s", got, text)
			} // else an Ack
		}
	}
	try("1", "first")
	if resp, _ := do(t, http.MethodGet, at+"&try=broken", "", "Connection", "upgrade", "Upgrade", "websocket"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("no key: %d", resp.StatusCode)
	}
	try("2", "first")
	c, status := dialSocket(t, at+"&try=second")
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	want(t, c, `{"type":9,"sequenceId":1}`)
	send(t, c, `{"type":9,"sequenceId":3}`)
	for range 2 { // what was not acknowledged
		receive(t, c)
	}
	try("3", "second")
}
