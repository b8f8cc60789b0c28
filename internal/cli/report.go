package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// drawInterval is how often the progress line is drawn anew.
	drawInterval = 200 * time.Millisecond
	// maxShownFailures keeps a stream of nonsense from filling the screen.
	maxShownFailures = 20
)

// report tells the user what becomes of a stream of events: a progress line on
// a terminal, failures as they happen, a last word; or one JSON object for each
// event. It is safe for concurrent use by reader and sender.
type report struct {
	env      environment
	json     bool
	progress bool
	began    time.Time

	mu                            sync.Mutex
	published, duplicates, failed int
	drawn                         time.Time
	onScreen                      bool  // the progress line stands in the current line
	err                           error // of writing to standard output
}

func newReport(env environment, asJSON bool) *report {
	return &report{env: env, json: asJSON, progress: !asJSON && isTerminal(env.stderr), began: time.Now()}
}

// fail notes that the event of a line cannot be published.
func (r *report) fail(line int, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed++
	if r.json {
		problem, ok := errors.AsType[*apiError](reason)
		if !ok {
			problem = &apiError{Title: reason.Error()}
		}
		text, err := json.Marshal(map[string]any{"line": line, "error": problem})
		r.writeLocked(string(text), err)
		return
	}
	r.clearLocked()
	switch {
	case r.failed <= maxShownFailures:
		r.env.tell("hubline: line %d: %v\n", line, reason)
	case r.failed == maxShownFailures+1:
		r.env.tell("hubline: further failures are only counted\n")
	}
}

// done notes the server's answer to the event of a line, an object.
func (r *report) done(line int, duplicate bool, answer []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published++
	if duplicate {
		r.duplicates++
	}
	if r.json {
		r.writeLocked(fmt.Sprintf(`{"line":%d,%s`, line, answer[1:]), nil)
	}
}

func (r *report) writeLocked(line string, err error) {
	if err == nil {
		err = say(r.env.stdout, "%s\n", line)
	}
	r.err = errors.Join(r.err, err)
}

// draw renews the progress line if it is time to.
func (r *report) draw(note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.progress || note == "" && time.Since(r.drawn) < drawInterval {
		return
	}
	r.drawn, r.onScreen = time.Now(), true
	line := fmt.Sprintf("%s, %s a second", plural(r.published, "event"), grouped(r.rateLocked()))
	if r.failed > 0 {
		line += ", " + grouped(r.failed) + " failed"
	}
	if note != "" {
		line += "; " + note
	}
	r.env.tell("\r\x1b[K%s", line)
}

// clearLocked removes the progress line, to make room for other text.
func (r *report) clearLocked() {
	if r.onScreen {
		r.env.tell("\r\x1b[K")
		r.onScreen = false
	}
}

func (r *report) rateLocked() int {
	return int(float64(r.published) / max(time.Since(r.began).Seconds(), 0.001))
}

// summary is the last word: printed, and an error if something was not
// published.
func (r *report) summary() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clearLocked()
	if !r.json {
		text := "Published " + plural(r.published, "event")
		if took := time.Since(r.began); took > time.Second {
			text += fmt.Sprintf(" in %v (%s a second)", took.Round(100*time.Millisecond), grouped(r.rateLocked()))
		}
		if r.duplicates > 0 {
			text += fmt.Sprintf(", %s of them had been published before", grouped(r.duplicates))
		}
		r.writeLocked(text+".", nil)
	}
	if r.failed > 0 {
		return errors.Join(r.err, fmt.Errorf("%s could not be published", plural(r.failed, "event")))
	}
	return r.err
}
