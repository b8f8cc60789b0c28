package api

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"hubline/api/auth"
)

// "since=device" needs a device. Without one the client is told, and does not take
// events from now on for all that it has missed.
func TestSinceDeviceNeedsADevice(t *testing.T) {
	f := newFixture(t)
	without, with := f.token(auth.Claims{}), f.token(auth.Claims{Device: "phone"})
	for _, path := range []string{"/events?since=device", "/events?since=device&wait=0"} {
		f.wantProblem(f.send(http.MethodGet, path, without, ""), http.StatusBadRequest, "cursor")
	}
	if a := f.send(http.MethodGet, "/events?since=device&wait=0", with, ""); a.status != http.StatusOK {
		t.Errorf("with a device: %+v", a)
	}
	for path, want := range map[string]int{
		"/ws?since=device": http.StatusBadRequest, "/hubs/events?since=device": http.StatusBadRequest,
		"/hubs/events": http.StatusSwitchingProtocols, "/ws": http.StatusSwitchingProtocols,
	} {
		for token, want := range map[string]int{without: want, with: http.StatusSwitchingProtocols} {
			c, resp, err := websocket.Dial(t.Context(), f.url+path, &websocket.DialOptions{ //nolint:bodyclose // the library does
				HTTPClient: f.client, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
			})
			if resp == nil {
				t.Fatal(err)
			}
			if resp.StatusCode != want {
				t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
			}
			if err == nil {
				_ = c.CloseNow()
			}
		}
	}
}
