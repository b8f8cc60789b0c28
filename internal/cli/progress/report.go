package progress

import (
	"errors"
	"fmt"
	"strings"
)

// Report is what became of the events.
type Report struct {
	// Published counts the events that the server has, Duplicates those among
	// them whose first answer was lost.
	Published, Duplicates int
	// First and Last say that the event of the beginning and of the end could
	// not be published; Between counts the others.
	First, Last bool
	Between     int
	// Err is the latest reason.
	Err error
}

// Lost counts the events that could not be published.
func (r Report) Lost() int {
	n := r.Between
	for _, lost := range []bool{r.First, r.Last} {
		if lost {
			n++
		}
	}
	return n
}

// Problem says what could not be published; nil if all was.
func (r Report) Problem() error {
	var parts []string
	if r.First {
		parts = append(parts, "the start")
	}
	switch {
	case r.Between == 1:
		parts = append(parts, "1 step")
	case r.Between > 1:
		parts = append(parts, fmt.Sprintf("%d steps", r.Between))
	}
	if r.Last {
		parts = append(parts, "the end")
	}
	if len(parts) == 0 {
		return nil
	}
	what := parts[0]
	if n := len(parts); n > 1 {
		what = strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	err := r.Err
	if err == nil {
		err = errors.New("there was no time for it")
	}
	return fmt.Errorf("%s of the command could not be published: %w", what, err)
}
