package signalr

import (
	"context"
	"testing"

	"hubline/signalr/protocol"
)

// With a naming policy, everything that the hub writes and reads follows it.
func TestNaming(t *testing.T) {
	type item struct {
		FileName string
		Size     int `json:"SIZE"`
	}
	for n, want := range map[protocol.Naming]string{
		protocol.NamesExact:     `{"FileName":"f","SIZE":1}`,
		protocol.NamesCamelCase: `{"fileName":"f","SIZE":1}`,
	} {
		bubble(t, func(t *testing.T) {
			h := New(Config{Naming: n})
			var got []item
			h.Handle("Same", func(i item) item { got = append(got, i); return i })
			h.Handle("Stream", func(i item) <-chan item {
				ch := make(chan item, 1)
				ch <- i
				close(ch)
				return ch
			})
			h.Handle("Upload", func(in <-chan item) {
				for i := range in {
					got = append(got, i)
				}
			})
			h.Handle("Ask", func(ctx context.Context, c Caller, i item) error {
				var back item
				err := c.Invoke(ctx, &back, "give", i)
				got = append(got, back)
				return err
			})
			h.Handle("Tell", func(i item) error { return h.All().Send("told", i) })
			p := connect(t, h, Options{})
			p.call(`{"type":1,"invocationId":"1","target":"Same","arguments":[` + want + `]}`)
			p.want(`{"type":3,"invocationId":"1","result":` + want + `}`)
			p.call(`{"type":4,"invocationId":"2","target":"Stream","arguments":[` + want + `]}`)
			p.want(`{"type":2,"invocationId":"2","item":`+want+`}`, `{"type":3,"invocationId":"2"}`)
			p.call(`{"type":1,"target":"Upload","streamIds":["s"],"arguments":[]}`)
			p.call(`{"type":2,"invocationId":"s","item":` + want + `}`)
			p.call(`{"type":3,"invocationId":"s"}`)
			p.call(`{"type":1,"target":"Ask","arguments":[` + want + `]}`)
			p.want(`{"type":1,"invocationId":"s1","target":"give","arguments":[` + want + `]}`)
			p.call(`{"type":3,"invocationId":"s1","result":` + want + `}`)
			p.call(`{"type":1,"target":"Tell","arguments":[` + want + `]}`)
			p.want(`{"type":1,"target":"told","arguments":[` + want + `]}`)
			if len(got) != 3 {
				t.Fatalf("got %v", got)
			}
			for _, i := range got {
				if (i != item{"f", 1}) {
					t.Errorf("got %+v", i)
				}
			}
		})
	}
}
