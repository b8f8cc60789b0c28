package proxies

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

func TestZZ(t *testing.T) {
	s := harness.Start(t, "--drain-timeout", "2s", "--max-negotiated", "100000", "--max-connections-per-user", "100000")
	addr := startNginx(t, "deaf.conf", s)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				for _, name := range []string{"WebSockets", "ServerSentEvents", "LongPolling"} {
					t.Run(fmt.Sprint(g, i, name), func(t *testing.T) {
						to := addr
						if name == "ServerSentEvents" || i%2 == 0 {
							to = s.Addr
						}
						user := fmt.Sprint(g, i, name)
						start := time.Now()
						h := openHub(t, to, "http://"+to+"/hubs/events", s.Token(user), name)
						a := time.Since(start)
						for n := range 3 {
							s.Publish(user, "t", fmt.Sprint(n))
							h.wantInvocation("t", fmt.Sprint(n))
						}
						if d := time.Since(start); d > 3*time.Second {
							t.Errorf("SLOW %s direct=%v: open %v all %v", name, to == s.Addr, a, d)
						}
					})
				}
				for _, tr := range transports {
					t.Run(fmt.Sprint(g, i, tr), func(t *testing.T) {
						user := fmt.Sprint(g, i, tr)
						start := time.Now()
						r := newReader(t, tr, client.Options{URL: s.URL, Token: s.Token(user)})
						for range 3 {
							r.want(s.Publish(user, "t", "1").Seq)
						}
						if d := time.Since(start); d > 3*time.Second {
							t.Errorf("SLOW %s %v", tr, d)
						}
					})
				}
			}
		})
	}
	wg.Wait()
}
