package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
)

// raw is one connection on which a test writes what it likes.
type raw struct {
	testing.TB
	net.Conn
	in *bufio.Reader
}

func (f *fixture) dialRaw() *raw {
	f.Helper()
	c := must(f.ln.(*pipes).dial(f.Context()))
	f.Cleanup(func() { _ = c.Close() })
	return &raw{f.TB, c, bufio.NewReader(c)}
}

// say writes; the other side may stop reading in the middle.
func (r *raw) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Conn, format, args...)
}

// hear reads an answer to its end.
func (r *raw) hear() answer {
	r.Helper()
	resp, err := http.ReadResponse(r.in, nil)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	if resp.Close {
		resp.Header.Set("Connection", "close")
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// wantEnd waits for the server to close the connection.
func (r *raw) wantEnd() {
	r.Helper()
	if b, err := io.ReadAll(r.in); err != nil || len(b) > 0 {
		r.Errorf("still got %q, %v", b, err)
	}
}

const bodyTimeout = 5 * time.Second

func impatient(s *setup) { s.BodyTimeout = bodyTimeout }

func TestSlowBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		request string
		status  int
	}{
		"publish":             {"POST /api/v1/users/anna/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keyPublish + "\r\nContent-Length: 100\r\n\r\n{\"type\":", 408},
		"chunks":              {"POST /api/v1/users/anna/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keyPublish + "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"t", 408},
		"lines":               {"POST /api/v1/events:batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keyPublish + "\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100\r\n\r\n{", 408},
		"nothing of a body":   {"POST /api/v1/broadcasts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keyPublish + "\r\nContent-Length: 100\r\n\r\n", 408},
		"awaited by nobody":   {"POST /api/v1/broadcasts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 401},
		"no route":            {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 404},
		"no method":           {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 405},
		"a hub's negotiate":   {"POST /hub/negotiate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 401},
		"a hub":               {"POST /hubs/events?id=%s&access_token=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 400},
		"a GET with a body":   {"GET /events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 400},
		"a health check's":    {"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 200},
		"100-continue, never": {"POST /api/v1/broadcasts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keyPublish + "\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n", 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, inMemory, impatient)
				request := tt.request
				if strings.Contains(request, "%s") {
					token := f.token(auth.Claims{})
					a := f.send(http.MethodPost, "/hubs/events/negotiate?negotiateVersion=1", token, "")
					request = fmt.Sprintf(request, decode[offer](t, a.body).ConnectionToken, token)
				}
				began := time.Now()
				c := f.dialRaw()
				c.say("%s", request)
				a := c.hear()
				if a.status == http.StatusContinue {
					a = c.hear()
					tt.status = http.StatusRequestTimeout
				}
				if a.status != tt.status {
					t.Errorf("answer %+v, want %d", a, tt.status)
				}
				if tt.status == http.StatusRequestTimeout {
					f.wantProblem(a, tt.status, "body-timeout")
					if a.header.Get("Connection") != "close" {
						t.Errorf("408 and the connection goes on: %v", a.header)
					}
				}
				c.wantEnd()
				// net/http itself lingers for half a second where a body was not read.
				if took := time.Since(began); took > bodyTimeout+time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestABodyJustInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, impatient)
		c := f.dialRaw()
		const body = `{"type":"a"}`
		c.say("POST /api/v1/users/anna/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", keyPublish, len(body))
		for i := range len(body) {
			time.Sleep((bodyTimeout - time.Second) / time.Duration(len(body)))
			c.say("%s", body[i:i+1])
		}
		if a := c.hear(); a.status != http.StatusCreated {
			t.Errorf("answer %+v", a)
		}
	})
}

// TestConnectionsOutliveTheBodyTimeout: the deadline of a body must end with it,
// for the connection goes on.
func TestConnectionsOutliveTheBodyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, impatient)
		token := f.token(auth.Claims{})
		c := f.dialRaw()
		post := func() {
			t.Helper()
			const body = `{"type":"a"}`
			c.say("POST /api/v1/users/berta/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", keyPublish, len(body), body)
			if a := c.hear(); a.status != http.StatusCreated {
				t.Fatalf("answer %+v", a)
			}
		}
		refused := func() {
			t.Helper()
			c.say("POST /api/v1/broadcasts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
			if a := c.hear(); a.status != http.StatusUnauthorized {
				t.Fatalf("answer %+v", a)
			}
		}
		post()
		time.Sleep(3 * bodyTimeout)
		refused() // with a body that nobody wanted
		time.Sleep(3 * bodyTimeout)
		post()
		// A poll that waits for longer than a body may take.
		publishLater := func(after time.Duration) {
			time.AfterFunc(after, func() {
				if _, err := f.broker.Publish("anna", must(decodeEvent([]byte(`{"type":"b"}`))), broker.Key{}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 2 {
			publishLater(4 * bodyTimeout)
			c.say("GET /events?wait=50&access_token=%s HTTP/1.1\r\nHost: x\r\n\r\n", token)
			if a := c.hear(); a.status != http.StatusOK || len(decode[events](t, a.body).Events) != 1 {
				t.Fatalf("poll: %+v", a)
			}
			post()
		}
		// And a stream.
		publishLater(4 * bodyTimeout)
		c.say("GET /events?access_token=%s HTTP/1.1\r\nHost: x\r\n\r\n", token)
		for {
			line, err := c.in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, `"type":"b"`) {
				break
			}
		}
	})
}

// TestAHandlerMayTakeLongerThanItsBody: were the deadline still there when the
// server watches for the client's leaving, it would take the client for gone.
func TestAHandlerMayTakeLongerThanItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory, impatient)
		f.api.mount(http.MethodPost, "/slow", func(c echo.Context) error {
			b, err := io.ReadAll(c.Request().Body)
			if err != nil {
				return err
			}
			select {
			case <-time.After(3 * bodyTimeout):
			case <-c.Request().Context().Done():
				return context.Cause(c.Request().Context())
			}
			return c.String(http.StatusOK, string(b))
		})
		c := f.dialRaw()
		for range 2 {
			c.say("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
			if a := c.hear(); a.status != http.StatusOK || a.body != "x" {
				t.Errorf("answer %+v", a)
			}
		}
	})
}

func TestBrokenBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inMemory)
		for _, rest := range []string{
			"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
		} {
			c := f.dialRaw()
			c.say("POST /api/v1/broadcasts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s", keyPublish, rest)
			f.wantProblem(c.hear(), http.StatusBadRequest, "bad-request")
			_ = c.Close()
		}
	})
}
