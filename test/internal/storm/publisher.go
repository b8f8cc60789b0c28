package storm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"hubline/test/internal/harness"
)

// publisher publishes one request after the other.
type publisher struct {
	*storm

	name string
	rng  *rand.Rand
	n    int // events made
}

func (s *storm) newPublisher(i int) *publisher {
	name := fmt.Sprintf("p%d", i)
	return &publisher{storm: s, name: name, rng: s.draw(name)}
}

// run publishes its share of the events.
func (p *publisher) run(ctx context.Context) {
	for share := p.cfg.Events / p.cfg.Publishers; ctx.Err() == nil; {
		if p.cfg.Lives > 0 && p.hasEnough() || p.cfg.Lives == 0 && p.n >= share {
			return
		}
		switch k := p.rng.IntN(20); {
		case k < 12:
			p.single(ctx)
		case k < 14 && p.cfg.Broadcasts:
			p.broadcast(ctx)
		case k < 17:
			p.batch(ctx, false)
		default:
			p.batch(ctx, true)
		}
	}
}

// someone draws a user.
func (p *publisher) someone() string {
	n := p.rng.IntN(p.cfg.Users + p.cfg.Crowd)
	if n >= p.cfg.Users {
		return fmt.Sprintf("crowd%d", n)
	}
	return user(n)
}

// event draws an event.
func (p *publisher) event() harness.Event {
	p.n++
	e := harness.Event{Type: []string{"a", "b", "c"}[p.rng.IntN(3)], Data: p.data()}
	// An event whose answer may be lost is only found again by its own id.
	if p.cfg.ends() || p.rng.IntN(2) == 0 {
		e.ID = fmt.Sprintf("%s-%d", p.name, p.n)
	}
	if p.cfg.Devices {
		switch p.rng.IntN(6) {
		case 0:
			e.Device = device(p.rng.IntN(p.cfg.ClientsPerUser))
		case 1:
			e.ExceptDevice = device(p.rng.IntN(p.cfg.ClientsPerUser))
		}
	}
	if p.cfg.TTL && p.rng.IntN(5) == 0 {
		e.TTLSeconds = 0.05
	}
	return e
}

func device(n int) string { return fmt.Sprintf("device%d", n) }

// data draws JSON that a careless encoder would change: white space, escapes,
// numbers of many forms, and text from outside ASCII.
func (p *publisher) data() json.RawMessage {
	fill := strings.Repeat("x", p.rng.IntN(p.cfg.DataBytes))
	return json.RawMessage([]string{
		`{"fill":"` + fill + `"}`,
		`{ "b":1.50e+2 , "a" : [ ] ,"fill":"` + fill + `"}`,
		"[\"" + fill + "\",\n  null,\n\n  \"\\u2028 \u2029 <\\/&> \\ud83d\\ude00 é\"]",
		`"` + fill + `\n\r\t\u0000data: x"`,
		`-0.0`,
		`12345678901234567890`,
	}[p.rng.IntN(6)])
}

// failed handles an error: while the server restarts they are expected, and the
// request may or may not have been carried out.
func (p *publisher) failed(ctx context.Context, err error) {
	if !p.cfg.ends() {
		p.t.Errorf("%s: %v", p.name, err)
	}
	p.running(ctx)
}

func (p *publisher) single(ctx context.Context) {
	to, e, start := p.someone(), p.event(), p.clock.now()
	var header []string
	if p.cfg.Lives > 0 && p.rng.IntN(2) == 0 {
		header, e.ID = []string{"Idempotency-Key", e.ID}, ""
	}
	var r harness.Receipt
	err := p.again(ctx, func() (err error) {
		r, err = p.server.TryPublish(ctx, to, e, header...)
		return err
	})
	if err != nil {
		p.recordLoose(to, e.ID, e)
		p.failed(ctx, err)
		return
	}
	p.record(to, e, r, start)
}

func (p *publisher) broadcast(ctx context.Context) {
	e := p.event()
	e.Device, e.ExceptDevice = "", ""
	r, err := p.server.Broadcast(ctx, e)
	if err != nil {
		p.recordLoose("", e.ID, e)
		p.failed(ctx, err)
		return
	}
	p.recordLoose("", r.ID, e)
}

// item is one item of a batch: for one user or for some.
type item struct {
	User  string
	Users []string
	Event harness.Event
}

// batch publishes some events with one request.
func (p *publisher) batch(ctx context.Context, lines bool) {
	var items []item
	for range 1 + p.rng.IntN(8) {
		it := item{Event: p.event()}
		if p.cfg.Users > 1 && p.rng.IntN(4) == 0 {
			first := p.rng.IntN(p.cfg.Users)
			it.Users = []string{user(first), user((first + 1) % p.cfg.Users)}
		} else {
			it.User = p.someone()
		}
		items = append(items, it)
	}
	body, kind := encode(items, lines)
	start := p.clock.now()
	var a *harness.Answer
	err := p.again(ctx, func() (err error) {
		a, err = p.server.Request(ctx, http.MethodPost, "/api/v1/events:batch", p.server.APIKey, body, "Content-Type", kind)
		switch {
		case err != nil:
		case a.Status != http.StatusOK:
			err = fmt.Errorf("batch: %d %s", a.Status, a.Body)
		case p.cfg.Lives > 0 && bytes.Contains(a.Body, []byte(`"error":`)):
			err = errors.New("the server was stopped in the middle of a batch")
		}
		return err
	})
	if err != nil {
		for _, it := range items {
			for _, u := range it.receivers() {
				p.recordLoose(u, it.Event.ID, it.Event)
			}
		}
		p.failed(ctx, err)
		return
	}
	p.results(ctx, items, a.Body, lines, start)
}

func (it *item) receivers() []string {
	if it.User != "" {
		return []string{it.User}
	}
	return it.Users
}

// encode writes the items, one a line or as an array. Lines hold no line feeds, so
// they are taken out of the data first.
func encode(items []item, lines bool) (body []byte, kind string) {
	var b bytes.Buffer
	for i := range items {
		if lines {
			items[i].Event.Data = json.RawMessage(strings.ReplaceAll(string(items[i].Event.Data), "\n", " "))
		}
		it := items[i]
		to, err := json.Marshal(struct {
			User  string   `json:"user,omitempty"`
			Users []string `json:"users,omitempty"`
		}{it.User, it.Users})
		if err != nil {
			panic(err) // plain strings
		}
		switch {
		case lines:
		case i == 0:
			b.WriteByte('[')
		default:
			b.WriteByte(',')
		}
		b.Write(to[:len(to)-1])
		b.WriteString(`,"event":`)
		b.Write(it.Event.Body())
		b.WriteByte('}')
		if lines {
			b.WriteByte('\n')
		}
	}
	if lines {
		return b.Bytes(), "application/x-ndjson"
	}
	b.WriteByte(']')
	return b.Bytes(), "application/json"
}

// results notes the receipts of a batch, which stand in the order of the items.
func (p *publisher) results(ctx context.Context, items []item, body []byte, lines bool, start time.Duration) {
	type result struct {
		harness.Receipt

		Receipts []struct {
			harness.Receipt

			Error json.RawMessage `json:"error"`
		} `json:"receipts"`
		Error json.RawMessage `json:"error"`
	}
	var results []result
	if lines {
		body = append([]byte("["), bytes.Join(bytes.Split(bytes.TrimSpace(body), []byte("\n")), []byte(","))...)
		body = append(body, ']')
	}
	if err := json.Unmarshal(body, &results); err != nil || len(results) != len(items) {
		p.t.Errorf("%d results for %d items, %v: %.300s", len(results), len(items), err, body)
		return
	}
	for i, r := range results {
		e := items[i].Event
		switch to := items[i].receivers(); {
		case r.Error != nil:
			// The server is being stopped: nothing was published.
			p.failed(ctx, fmt.Errorf("batch item: %s", r.Error))
		case len(items[i].Users) > 0:
			if len(r.Receipts) != len(to) {
				p.t.Errorf("%d receipts for %d users", len(r.Receipts), len(to))
				continue
			}
			for j, u := range to {
				if r.Receipts[j].Error != nil {
					p.failed(ctx, fmt.Errorf("batch item for %s: %s", u, r.Receipts[j].Error))
					continue
				}
				p.record(u, e, r.Receipts[j].Receipt, start)
			}
		default:
			p.record(to[0], e, r.Receipt, start)
		}
	}
}
