package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPublishSaysWhatToDoAboutARefusal(t *testing.T) {
	for _, tt := range []struct {
		command publishCommand
		status  int
		want    string
	}{
		{publishCommand{DataDir: "dir"}, 401, "it does not know the key in dir: give the server's --data-dir, or an --api-key"},
		{publishCommand{APIKey: "k"}, 401, "; check --api-key"},
		{publishCommand{}, 404, "; check --server, and its base path"},
		{publishCommand{}, 403, "(status 403)"},
	} {
		err := tt.command.explain(fmt.Errorf("publish: %w", &apiError{Status: tt.status}))
		if !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%d: %q does not end with %q", tt.status, err, tt.want)
		}
	}
	if (publishCommand{}).explain(nil) != nil {
		t.Error("success became an error")
	}
}

func TestPublishOne(t *testing.T) {
	for _, tt := range []struct {
		name       string
		command    publishCommand
		status     int
		answer     string
		path, body string
		want       string // on standard output, or in the error
	}{
		{
			"to a user",
			publishCommand{User: "a/b ä", Type: "t", Data: `{ "n" : 1.0 }`},
			201,
			`{"id":"x","seq":5,"cursor":"k-5","delivered":1,"durability":"memory"}`,
			"/base/api/v1/users/a%2Fb%20%C3%A4/events", `{"type":"t","data":{ "n" : 1.0 }}`,
			"Published x at k-5, delivered to 1 connection.\n",
		},
		{
			"all fields",
			publishCommand{Channel: "c", Type: "t\"", ID: "i", Device: "d", TTLSeconds: 9, IdempotencyKey: "key"},
			201,
			`{"id":"i","delivered":1234}`,
			"/base/api/v1/channels/c/events", `{"type":"t\"","id":"i","device":"d","ttlSeconds":9}`,
			"Published i, delivered to 1,234 connections.\n",
		},
		{
			"broadcast",
			publishCommand{Broadcast: true, Type: "t"},
			201, `{"id":"x","users":12,"delivered":0}`,
			"/base/api/v1/broadcasts", `{"type":"t"}`, "Published x to 12 users, delivered to 0 connections.\n",
		},
		{
			"duplicate",
			publishCommand{User: "u", Type: "t"},
			201, `{"id":"x","cursor":"k-5","delivered":1,"duplicate":true}`,
			"/base/api/v1/users/u/events", `{"type":"t"}`, "Was published before: x at k-5.\n",
		},
		{
			"json",
			publishCommand{User: "u", Type: "t", JSON: true},
			201, "{\"id\":\"x\"}\n",
			"/base/api/v1/users/u/events", `{"type":"t"}`, "{\"id\":\"x\"}\n",
		},
		{
			"problem",
			publishCommand{User: "u", Type: "t"},
			401, `{"title":"Who are you?","detail":"Send a key."}`,
			"/base/api/v1/users/u/events", `{"type":"t"}`, "publish: Who are you?: Send a key. (status 401); check --api-key",
		},
		{
			"page of a proxy",
			publishCommand{User: "u", Type: "t"},
			502, `<html>`,
			"/base/api/v1/users/u/events", `{"type":"t"}`, "publish: Bad Gateway (status 502)",
		},
		{
			"terminal codes in an answer",
			publishCommand{User: "u", Type: "t"},
			201, `{"id":"\u001b[2J"}`,
			"/base/api/v1/users/u/events", `{"type":"t"}`, "Published  [2J, delivered to 0 connections.\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if got := r.URL.EscapedPath(); got != tt.path || r.Method != http.MethodPost {
					t.Errorf("%s %s, want POST %s", r.Method, got, tt.path)
				}
				if string(body) != tt.body || !json.Valid(body) {
					t.Errorf("body = %s, want %s", body, tt.body)
				}
				if r.Header.Get("Authorization") != "Bearer hlk_X" || r.Header.Get("Idempotency-Key") != tt.command.IdempotencyKey {
					t.Errorf("headers = %v", r.Header)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			}))
			defer server.Close()
			tt.command.Server, tt.command.APIKey = server.URL+"/base/", "hlk_X"
			env, read := newEnvironment(t)
			err := tt.command.Run(t.Context(), env)
			got := read().stdout
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	for size, ok := range map[int]bool{maxAnswerBytes: true, maxAnswerBytes + 1: false} {
		client := newClient("http://hub.test", "key")
		client.http.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(io.LimitReader(zeros{}, int64(size)))}, nil
		})
		answer, err := client.post(t.Context(), "/", "text/plain", nil, nil)
		if (err == nil) != ok || ok && len(answer) != size {
			t.Errorf("answer of %d bytes: got %d, %v", size, len(answer), err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
	if got := plural(1, "event") + ", " + plural(2, "event"); !strings.EqualFold(got, "1 event, 2 events") {
		t.Errorf("plural: %s", got)
	}
}
