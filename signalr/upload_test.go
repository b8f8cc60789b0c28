package signalr

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

// uploader is a hub whose methods take streams.
func uploader(cfg Config) *Hub {
	h := New(cfg)
	h.Handle("Concat", func(parts iter.Seq2[string, error]) (string, error) {
		var b strings.Builder
		for s, err := range parts {
			if err != nil {
				return "", err
			}
			b.WriteString(s)
		}
		return b.String(), nil
	})
	h.Handle("Sum", func(start int, numbers <-chan int) int {
		for n := range numbers {
			start += n
		}
		return start
	})
	h.Handle("Zip", func(a <-chan int, sep string, b <-chan int) string {
		var out []string
		for n := range a {
			out = append(out, fmt.Sprint(n, sep, <-b))
		}
		return strings.Join(out, " ")
	})
	h.Handle("Echo", func(c Caller, in iter.Seq2[int, error]) iter.Seq2[int, error] { return in })
	h.Handle("First", func(in <-chan int) int { return <-in })
	h.Handle("Ignore", func(ms int, _ <-chan string) { time.Sleep(time.Duration(ms) * time.Millisecond) })
	h.Handle("Slow", func(in iter.Seq2[int, error]) int {
		n := 0
		for range in {
			time.Sleep(time.Second)
			n++
		}
		return n
	})
	return h
}

// upload calls a method with streams.
func (p *pipe) upload(id, target, args, streams string) {
	p.t.Helper()
	p.call(fmt.Sprintf(`{"type":1,"invocationId":"%s","target":"%s","arguments":[%s],"streamIds":[%s]}`, id, target, args, streams))
}

func (p *pipe) items(id string, items ...string) {
	p.t.Helper()
	for _, v := range items {
		p.call(item(id, v))
	}
}

func (p *pipe) endUpload(id string) {
	p.t.Helper()
	p.call(`{"type":3,"invocationId":"` + id + `"}`)
}

// Reference section 4.9: streams from the client.
func TestStreamsFromTheClient(t *testing.T) {
	const unexpected = "An unexpected error occurred invoking "
	result := func(v string) string { return `{"type":3,"invocationId":"1","result":` + v + `}` }
	failed := func(text string) string { return `{"type":3,"invocationId":"1","error":"` + text + `"}` }
	for _, tt := range []struct {
		name string
		do   func(p *pipe)
		want string
	}{
		{"sequence", func(p *pipe) {
			p.upload("1", "Concat", "", `"a"`)
			p.items("a", `"x"`, `"y"`)
			p.endUpload("a")
		}, result(`"xy"`)},
		{"channel", func(p *pipe) {
			p.upload("1", "Sum", "10", `"a"`)
			p.items("a", "1", "2", "3")
			p.endUpload("a")
		}, result("16")},
		{"empty", func(p *pipe) { p.upload("1", "Sum", "10", `"a"`); p.endUpload("a") }, result("10")},
		{"two", func(p *pipe) {
			p.upload("1", "Zip", `"-"`, `"a","b"`)
			p.items("b", "1", "2")
			p.items("a", "3", "4")
			p.endUpload("a")
			p.endUpload("b")
		}, result(`"3-1 4-2"`)},
		{"ends with an error, in a sequence", func(p *pipe) {
			p.upload("1", "Concat", "", `"a"`)
			p.items("a", `"x"`)
			p.call(`{"type":3,"invocationId":"a","error":"Something bad"}`)
		}, failed(unexpected + "'Concat' on the server. HubException: Something bad")},
		{"ends with an error, in a channel", func(p *pipe) {
			p.upload("1", "Sum", "0", `"a"`)
			p.items("a", "1")
			p.call(`{"type":3,"invocationId":"a","error":"Something bad"}`)
		}, failed(unexpected + "'Sum' on the server. HubException: Something bad")},
		{"an item of another type", func(p *pipe) {
			p.upload("1", "Sum", "0", `"a"`)
			p.items("a", `"x"`, "1")
		}, failed(unexpected + "'Sum' on the server.")},
		{
			"too few streams", func(p *pipe) { p.upload("1", "Zip", `"-"`, `"a"`) },
			failed(unexpected + "'Zip' on the server. HubException: Client sent 1 stream(s), Hub method expects 2."),
		},
		{
			"the same stream twice", func(p *pipe) { p.upload("1", "Zip", `"-"`, `"a","a"`) },
			failed(unexpected + "'Zip' on the server. HubException: Stream ID 'a' is already in use."),
		},
		{"items for nothing", func(p *pipe) {
			p.items("a", "1")
			p.endUpload("a")
			p.upload("1", "Sum", "7", `"a"`)
			p.endUpload("a")
			p.items("a", "1")
		}, result("7")},
		{"the method stops before the client", func(p *pipe) {
			p.upload("1", "First", "", `"a"`)
			p.items("a", "1")
			p.items("a", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14")
			p.endUpload("a")
		}, result("1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := uploader(Config{})
				p := connect(t, h, Options{})
				tt.do(p)
				p.want(tt.want)
				p.wantEnd("")
				p.wantRest()
				h.Wait()
			})
		})
	}
}

func TestStreamThereAndBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, uploader(Config{}), Options{})
		p.call(`{"type":4,"invocationId":"1","target":"Echo","arguments":[],"streamIds":["2"]}`)
		p.items("2", "5", "6")
		p.want(item("1", 5), item("1", 6))
		p.endUpload("2")
		p.want(`{"type":3,"invocationId":"1"}`)
		p.wantRest()
	})
}

// A stream that another call still reads is not taken from it.
func TestLiveUploadsKeepTheirNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, uploader(Config{}), Options{})
		p.upload("1", "Sum", "0", `"a"`)
		p.upload("2", "Zip", `"-"`, `"b","a"`)
		p.want(`{"type":3,"invocationId":"2","error":"An unexpected error occurred invoking 'Zip' on the server. HubException: Stream ID 'a' is already in use."}`)
		p.items("a", "1")
		p.items("b", "1") // was let go
		p.upload("3", "Sum", "0", `"b"`)
		p.items("b", "2")
		p.endUpload("a")
		p.want(`{"type":3,"invocationId":"1","result":1}`)
		p.endUpload("b")
		p.want(`{"type":3,"invocationId":"3","result":2}`)
	})
}

func TestFullStreamHoldsTheReaderBack(t *testing.T) {
	for name, cfg := range map[string]Config{
		"items": {StreamBuffer: 3},
		"bytes": {MaxQueuedBytes: 3},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := connect(t, uploader(cfg), Options{})
				p.upload("1", "Slow", "", `"a"`)
				read := make(chan int, 100)
				go func() { // ends when all items were read
					for i := range 40 {
						p.items("a", "1")
						read <- i
					}
					p.endUpload("a")
				}()
				time.Sleep(500 * time.Millisecond)
				if n := len(read); n != 4 { // one is read, three wait
					t.Errorf("%d items were taken", n)
				}
				time.Sleep(20 * time.Second) // longer than calls may be held
				p.wantEnd("")
				time.Sleep(20 * time.Second)
				p.want(`{"type":6}`, `{"type":6}`, `{"type":3,"invocationId":"1","result":40}`)
			})
		})
	}
}

// When the method returns, or the connection ends, nobody waits for room.
func TestAReaderThatIsHeldBackIsLetGo(t *testing.T) {
	for _, end := range []string{"", "leave", "abort"} {
		bubble(t, func(t *testing.T) {
			h := uploader(Config{})
			p := connect(t, h, Options{})
			p.upload("1", "Ignore", "3000", `"a"`)
			done := make(chan struct{})
			go func() { // ends when all items were read
				p.items("a", strings.Split(strings.Repeat(`"x",`, 30)+`"x"`, ",")...)
				close(done)
			}()
			time.Sleep(time.Second)
			switch end {
			case "leave":
				p.s.Leave(transports.ReasonDrain)
				<-done
				p.want(`{"type":7,"allowReconnect":true}`)
				return
			case "abort":
				p.Abort(transports.ReasonLost)
				<-done
				p.wantEnd(transports.ReasonLost)
				return
			}
			time.Sleep(3 * time.Second)
			<-done
			p.want(`{"type":3,"invocationId":"1","result":null}`)
		})
	}
}

func TestUploadsEndWithTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := New(Config{})
		got := make(chan error, 2)
		h.Handle("Read", func(in iter.Seq2[int, error]) {
			for _, err := range in {
				got <- err
			}
		})
		p := connect(t, h, Options{})
		p.upload("1", "Read", "", `"a"`)
		p.items("a", "1")
		if err := <-got; err != nil {
			t.Error(err)
		}
		p.s.Leave(transports.ReasonDrain)
		if err := <-got; err == nil || err.Error() != "The underlying connection was closed." {
			t.Errorf("got %v", err)
		}
	})
}
