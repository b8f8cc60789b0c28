package signalr

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const tooMuch = " HubException: More than 100 bytes of calls with streams at a time."

// Calls with streams are refused when those that run hold too much, ids and names
// included; one always runs.
func TestCallsWithStreamsAreBoundedInBytes(t *testing.T) {
	long := strings.Repeat("x", 60)
	refused := `{"type":3,"invocationId":"2","error":"An unexpected error occurred invoking '%s' on the server.` + tooMuch + `"}`
	stream := func(id, target string) string {
		return fmt.Sprintf(`{"type":4,"invocationId":"%s","target":"%s","arguments":[]}`, id, target)
	}
	upload := func(streamID string) string {
		return fmt.Sprintf(`{"type":1,"invocationId":"2","target":"Ignore","arguments":[1000],"streamIds":["%s"]}`, streamID)
	}
	for name, tt := range map[string]struct{ first, second, want string }{
		"invocation ids":       {stream(long, "Silent"), stream("2", "Silent"+long), `{"type":3,"invocationId":"2","error":"Failed to invoke 'Silent` + long + `' due to an error on the server. HubException: Method does not exist."}`},
		"just enough":          {stream(long, "Silent"), stream(long[:28], "Silent"), ""},
		"a byte more":          {stream(long, "Silent"), strings.Replace(upload(long[:24]), "1000", "10000", 1), fmt.Sprintf(refused, "Ignore")},
		"stream ids":           {strings.Replace(upload(long), `"2"`, `"1"`, 1), upload("y" + long), fmt.Sprintf(refused, "Ignore")},
		"the first, too large": {stream(long+long, "Silent"), upload("y"), fmt.Sprintf(refused, "Ignore")},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hoarder()
				h.cfg.MaxRunningBytes = 100
				p := connect(t, h, Options{})
				p.call(tt.first)
				p.want()
				p.call(tt.second)
				if tt.want == "" {
					p.want()
				} else {
					p.want(tt.want)
				}
				p.call(`{"type":5,"invocationId":"` + long + `"}`)
				p.call(`{"type":5,"invocationId":"` + long + long + `"}`)
				p.call(`{"type":5,"invocationId":"` + long[:28] + `"}`)
				time.Sleep(2 * time.Second)
				p.take()
				p.wantRest()
				p.call(upload(long)) // there is room again
				p.want()
				time.Sleep(2 * time.Second)
				p.want(`{"type":3,"invocationId":"2","result":null}`)
			})
		})
	}
}

// Calls that have given their slots back are bounded too, in number and bytes;
// others wait for them.
func TestCallsThatAwaitTheirClientAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes, want int
	}{
		"bytes":  {30, 5}, // of 6: id, Ask and 7
		"number": {1 << 20, maxLive},
		"one":    {1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := connect(t, asker(Config{MaxQueuedCalls: 2 * maxLive, MaxRunningBytes: tt.bytes}), Options{})
				asked := func() (n int) {
					for _, f := range p.take() {
						n += strings.Count(f.text, "Double")
					}
					return n
				}
				for i := range maxLive + 10 {
					p.call(asks(fmt.Sprint(10+i%80), "Ask", "7"))
				}
				if n := asked(); n != tt.want {
					t.Errorf("%d calls run, want %d", n, tt.want)
				}
				p.call(`{"type":3,"invocationId":"s1","result":1}`)
				if n := asked(); n != 1 {
					t.Errorf("%d calls run when one has ended", n)
				}
				for i := range maxLive + 10 {
					p.call(fmt.Sprintf(`{"type":3,"invocationId":"s%d","result":1}`, i+2))
					synctest.Wait()
				}
				p.take()
				p.wantRest()
			})
		})
	}
}
