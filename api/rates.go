package api

import (
	"sync"
	"time"

	"hubline/broker"
)

const (
	// SampleInterval is how often Sample is to be called.
	SampleInterval = 5 * time.Second
	// rateWindow is how far rates look back.
	rateWindow = time.Minute
)

// sample is what was counted at some time.
type sample struct {
	at                             time.Time
	published, delivered, replayed uint64
}

func newSample(now time.Time, s *broker.Stats) sample {
	return sample{now, s.Published, s.Delivered, s.Replayed}
}

// rates remembers samples of the last minute. It is safe for concurrent use.
type rates struct {
	mu      sync.Mutex
	samples [rateWindow/SampleInterval + 1]sample // a ring
	next    int
}

func (r *rates) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples[r.next] = s
	r.next = (r.next + 1) % len(r.samples)
}

// since returns the oldest sample that is at most a minute before now. It reports
// false if there is none.
func (r *rates) since(now time.Time) (oldest sample, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.samples {
		if s.at.IsZero() || now.Sub(s.at) > rateWindow {
			continue
		}
		if !ok || s.at.Before(oldest.at) {
			oldest, ok = s, true
		}
	}
	return oldest, ok
}

// ratesAnswer is how often things happened in a window of time, per second.
type ratesAnswer struct {
	WindowSeconds float64 `json:"windowSeconds"`
	Published     float64 `json:"published"`
	Delivered     float64 `json:"delivered"`
	Replayed      float64 `json:"replayed"`
}

// until compares what is counted now with the oldest sample.
func (r *rates) until(now sample) ratesAnswer {
	from, ok := r.since(now.at)
	window := now.at.Sub(from.at).Seconds()
	if !ok || window <= 0 {
		return ratesAnswer{}
	}
	per := func(from, to uint64) float64 { return float64(to-from) / window }
	return ratesAnswer{window, per(from.published, now.published), per(from.delivered, now.delivered), per(from.replayed, now.replayed)}
}

// Sample notes the counters from which the rates of GET /stats are made. It is to be
// called every SampleInterval.
func (a *API) Sample(now time.Time) {
	s := a.broker.Stats()
	a.rates.add(newSample(now, &s))
}
