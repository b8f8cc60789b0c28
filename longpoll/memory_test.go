package longpoll

import (
	"net/http"
	"testing"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
)

// bouncer answers a poll as soon as it is parked.
type bouncer struct{}

func (bouncer) Answer(p *Poll) (Answer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, _ := says("bounced")
	return a, p.conn != nil
}
func (bouncer) Gone(*Poll)                    {}
func (bouncer) Lost(*Poll, transports.Reason) {}
func (bouncer) Written(*Poll)                 {}

// A parked poll is a goroutine on the smallest stack and a few structures, also
// on a socket that has been parked and given back before.
func TestParkedMemory(t *testing.T) {
	for path, budget := range map[string]int{"/new": 5200, "/once?wait=1h": 4350} {
		t.Run(path, func(t *testing.T) {
			g := newTCPRig(t, Config{ParkAfter: 100 * time.Microsecond})
			g.header = http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"https://a.example"}}
			get := func(path string) string {
				return "GET " + path + " HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"
			}
			xtest.Budget(t, budget, g.addr, func() int { return min(g.parker.Parked(), len(g.server.Connections())) },
				xtest.Step{Send: get("/plain"), Until: "/plain"},
				xtest.Step{Send: get("/bounced"), Until: "bounced"},
				xtest.Step{Send: get(path)})
		})
	}
}
