package signalr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

// Reference section 4.7: the texts of failed calls.
func TestInvocationErrors(t *testing.T) {
	const prefix = "Failed to invoke '%s' due to an error on the server."
	tests := []struct {
		name, in           string
		want, wantDetailed string // the error
	}{
		{
			"unknown method", `"target":"Nope","arguments":[1,2,3]`,
			"Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.", "",
		},
		{
			"too few arguments", `"target":"add","arguments":[1]`,
			fmt.Sprintf(prefix, "Add"), fmt.Sprintf(prefix, "Add") + " InvalidDataException: Invocation provides 1 argument(s) but target expects 2.",
		},
		{
			"too many arguments", `"target":"Nothing","arguments":[1]`,
			fmt.Sprintf(prefix, "Nothing"), fmt.Sprintf(prefix, "Nothing") + " InvalidDataException: Invocation provides 1 argument(s) but target expects 0.",
		},
		{
			"argument type", `"target":"Add","arguments":[1,"2"]`,
			fmt.Sprintf(prefix, "Add"), fmt.Sprintf(prefix, "Add") + " InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.",
		},
		{
			"error for the client", `"target":"Refuse","arguments":["not today"]`,
			"An unexpected error occurred invoking 'Refuse' on the server. HubException: not today", "",
		},
		{
			"other error", `"target":"Break","arguments":[]`,
			"An unexpected error occurred invoking 'Break' on the server.", "An unexpected error occurred invoking 'Break' on the server. Exception: secret 1",
		},
		{
			"panic", `"target":"Panic","arguments":[]`,
			"An unexpected error occurred invoking 'Panic' on the server.", "An unexpected error occurred invoking 'Panic' on the server. Exception: panic: secret",
		},
		{
			"upload streams", `"target":"Nothing","arguments":[],"streamIds":["1","2"]`,
			"An unexpected error occurred invoking 'Nothing' on the server. HubException: Client sent 2 stream(s), Hub method expects 0.", "",
		},
		{
			"stream of a plain method", `"target":"Nothing","arguments":[],"type":4`,
			"The client attempted to invoke the non-streaming 'Nothing' method with a streaming invocation.", "",
		},
		{
			"stream of an unknown method", `"target":"Nope","arguments":[],"type":4`,
			"Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, detailed := range []bool{false, true} {
				bubble(t, func(t *testing.T) {
					h := adder(Config{DetailedErrors: detailed})
					p := connect(t, h, Options{})
					p.call(`{"type":1,"invocationId":"7",` + tt.in + `}`)
					want := tt.want
					if detailed && tt.wantDetailed != "" {
						want = tt.wantDetailed
					}
					p.want(`{"type":3,"invocationId":"7","error":"` + want + `"}`)
					if st := h.Stats(); st.Calls != 1 || st.CallErrors != 1 {
						t.Errorf("stats %+v", st)
					}
					p.wantEnd("")
					if !strings.Contains(tt.in, `"type":4`) {
						p.call(`{"type":1,` + tt.in + `}`) // without an id nobody is told
						p.want()
					}
				})
			}
		})
	}
}

func TestInvoke(t *testing.T) {
	tests := []struct{ in, want string }{
		{`"target":"Add","arguments":[1,2]`, `3`},
		{`"target":"aDD","arguments":[-1,2]`, `1`},
		{`"target":"Nothing","arguments":[]`, `null`},
		{`"arguments":[],"target":"Who"`, `["conn-1","u","d","WebSockets"]`},
	}
	for _, tt := range tests {
		bubble(t, func(t *testing.T) {
			p := connect(t, adder(Config{}), Options{Device: "d"})
			p.call(`{` + tt.in + `,"type":1,"invocationId":"0"}`)
			p.want(`{"type":3,"invocationId":"0","result":` + tt.want + `}`)
		})
	}
}

func TestInvokeInMessagePack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := dial(t, adder(Config{}), transports.WebSockets, Options{})
		p.shake(packedShake)
		p.must("\x0c\x95\x01\x80\xa11\xa3Add\x92\x01\x02")
		p.want("\x07\x95\x03\x80\xa11\x03\x03")
		p.must("\x0e\x95\x01\x80\xa12\xa7Nothing\x90")
		p.want("\x07\x95\x03\x80\xa12\x03\xc0")
	})
}

// Reference section 4.9: calls run one at a time, in order, while pings and
// everything else go on.
func TestCallsRunOneAtATimeInTheBackground(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		for i, ms := range []int{3000, 10, 0} {
			p.call(fmt.Sprintf(`{"type":1,"invocationId":"%d","target":"Sleep","arguments":[%d]}`, i, ms))
		}
		p.call(`{"type":1,"invocationId":"3","target":"Nope","arguments":[]}`)
		p.must(jsonPing)
		time.Sleep(2 * time.Second)
		p.want()
		time.Sleep(2 * time.Second)
		p.want(`{"type":3,"invocationId":"0","result":3000}`, `{"type":3,"invocationId":"1","result":10}`, `{"type":3,"invocationId":"2","result":0}`,
			`{"type":3,"invocationId":"3","error":"Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist."}`)
		if p.s.work != nil {
			t.Error("an idle connection holds a call queue")
		}
	})
}

func TestFullCallQueueHoldsTheReaderBack(t *testing.T) {
	for name, cfg := range map[string]Config{
		"calls": {MaxQueuedCalls: 3},
		"bytes": {MaxQueuedBytes: 28}, // Sleep and 1000 thrice, and a little
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := connect(t, adder(cfg), Options{})
				read := make(chan int, 10)
				go func() { // ends when all calls were read
					for i := range 10 {
						p.call(`{"type":1,"target":"Sleep","arguments":[1000]}`)
						read <- i
					}
				}()
				time.Sleep(500 * time.Millisecond)
				if n := len(read); n != 4 { // one runs, three wait
					t.Errorf("%d calls were read", n)
				}
				time.Sleep(time.Second)
				if n := len(read); n != 5 {
					t.Errorf("a second later: %d", n)
				}
				time.Sleep(20 * time.Second)
				if n := len(read); n != 10 {
					t.Errorf("in the end: %d", n)
				}
			})
		})
	}
}

// While a client is not read from, nobody learns that it is gone.
func TestClientIsNotHeldBackForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{MaxQueuedCalls: 2, MaxHold: 10 * time.Second}), Options{})
		done := make(chan struct{})
		go func() { // ends with the connection
			for range 5 {
				p.call(`{"type":1,"invocationId":"1","target":"Wait","arguments":[]}`)
			}
			close(done)
		}()
		time.Sleep(9 * time.Second)
		p.wantEnd("")
		time.Sleep(2 * time.Second)
		<-done
		p.want(`{"type":7,"allowReconnect":true}`)
		p.wantEnd(transports.ReasonSlow)
	})
}

func TestEndOfTheConnectionStopsCallsAndReaders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{MaxQueuedCalls: 1}), Options{})
		done := make(chan struct{})
		go func() { // ends with the connection
			for range 5 {
				p.call(`{"type":1,"invocationId":"1","target":"Wait","arguments":[]}`)
			}
			close(done)
		}()
		time.Sleep(time.Second)
		p.s.Leave(transports.ReasonDrain)
		<-done
		p.want(`{"type":7,"allowReconnect":true}`)
		p.wantEnd(transports.ReasonDrain)
		if p.s.work != nil {
			t.Error("calls go on")
		}
	})
}

// A client that calls and takes no answers gets no more calls served, and
// costs no more than the bound and one answer.
func TestUntakenAnswersHoldCallsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := adder(Config{MaxWaitingBytes: 1000, MaxQueuedCalls: 2})
		p := connect(t, h, Options{})
		p.stalled.Lock()
		go func() { // ends when all calls were read
			for range 10 {
				p.call(`{"type":1,"invocationId":"1","target":"Big","arguments":[600]}`)
			}
		}()
		time.Sleep(time.Second)
		p.s.mu.Lock()
		n := p.s.waiting
		p.s.mu.Unlock()
		if n < 1000 || n > 2000 {
			t.Errorf("%d bytes wait", n)
		}
		p.stalled.Unlock()
		p.Wake()
		time.Sleep(time.Second)
		if n := len(p.take()); n != 10 {
			t.Errorf("%d answers", n)
		}
	})
}

func TestMethodMayAbortItsConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.call(`{"type":1,"invocationId":"1","target":"Abort","arguments":[]}`)
		p.want(`{"type":7}`)
		p.wantEnd(transports.ReasonDone)
	})
}

func TestResultThatCannotBeSentClosesTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		p.call(`{"type":1,"target":"Channel","arguments":[]}`) // nobody wants the result
		p.want()
		p.call(`{"type":1,"invocationId":"1","target":"Channel","arguments":[]}`)
		p.want(`{"type":7,"error":"Connection closed with an error.","allowReconnect":true}`)
		p.wantEnd(transports.ReasonInternal)
	})
}

func TestHandlePanicsOnMistakes(t *testing.T) {
	for name, fn := range map[string]any{
		"nil": nil, "no function": 5, "variadic": func(...int) {}, "two results": func() (int, int) { return 0, 0 },
		"nil function": (func())(nil), "late caller": func(int, Caller) {}, "taken": func() {}, "": func() {},
	} {
		t.Run(name, func(t *testing.T) {
			h := New(Config{})
			h.Handle("Taken", func() {})
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			h.Handle(name, fn)
		})
	}
}

func TestArgumentsOutliveTheReceiveBuffer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := connect(t, adder(Config{}), Options{})
		buf := []byte(`{"type":1,"invocationId":"1","target":"Sleep","arguments":[1000]}` + "\x1e" + `{"type":1,"invocationId":"2","target":"Add","arguments":[11,22]}` + "\x1e")
		if err := p.s.Receive(buf, true); err != nil {
			t.Fatal(err)
		}
		clear(buf)
		time.Sleep(2 * time.Second)
		p.want(`{"type":3,"invocationId":"1","result":1000}`, `{"type":3,"invocationId":"2","result":33}`)
	})
}
