package transports_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hubline/transports"
)

// Last words fit into a close frame, are whole runes, and as many as fit.
func TestWordsAreCutAtARune(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Repeat("x", rapid.IntRange(0, 125).Draw(t, "ahead")) + rapid.StringN(0, 200, -1).Draw(t, "words")
		got := transports.CutWords(words)
		if !strings.HasPrefix(words, got) || len(got) > 123 || !utf8.ValidString(got) {
			t.Fatalf("%q of %q", got, words)
		}
		if rest := words[len(got):]; rest != "" {
			if _, n := utf8.DecodeRuneInString(rest); len(got)+n <= 123 {
				t.Fatalf("%q has room for more of %q", got, words)
			}
		}
	})
}

// The first words count, are there as long as the connection, and cost nothing after.
func TestDisconnectKeepsItsWordsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		c := s.Open("/hub", "user", "addr", nil, transports.WebSockets, false)
		if c.Words() != "" || transports.WordsOf(c) != "" {
			t.Error("words before there are any")
		}
		if !c.Disconnect("first") || !c.Disconnect("second") || c.Words() != "first" || transports.WordsOf(c) != "first" {
			t.Errorf("words = %q", c.Words())
		}
		c.End(transports.ReasonDisconnected)
		if c.Disconnect("late") || c.Words() != "" || s.WordsHeld() != 0 {
			t.Errorf("after the end: %q, %d held", c.Words(), s.WordsHeld())
		}
	})
}
