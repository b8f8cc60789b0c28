package progress

import (
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// sound fails if a state breaks what its fields promise.
func sound(t *testing.T, s State) {
	t.Helper()
	if math.IsNaN(s.Percent) || s.Percent < 0 || s.Percent > 100 || !s.Measured && s.Percent != 0 {
		t.Errorf("percent = %v, measured %v", s.Percent, s.Measured)
	}
	if s.BytesDone < 0 || s.BytesTotal < 0 || s.ETA < 0 {
		t.Errorf("%+v", s)
	}
	for _, text := range []string{s.Detail, s.Failure} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("text of %d bytes: %q", len(text), text)
		}
	}
}

// fuzzParser runs one of the parsers, beginning with lines of its own.
func fuzzParser(f *testing.F, parser func([]byte, *State) bool, lines ...string) {
	for _, line := range lines {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := string(line)
		var s State
		if !parser(line, &s) && s != (State{}) {
			t.Errorf("a line of something else changed the state to %+v", s)
		}
		sound(t, s)
		var again State
		if parser(line, &again); again != s || string(line) != before {
			t.Errorf("read again it is %+v instead of %+v", again, s)
		}
	})
}

func FuzzRestic(f *testing.F) {
	fuzzParser(f, parseRestic,
		`{"message_type":"status","seconds_remaining":9,"percent_done":0.25,"total_bytes":4096,"bytes_done":1024,"current_files":["/a","/b"]}`,
		`{"message_type":"summary","total_files_processed":12,"total_bytes_processed":4096,"snapshot_id":"40dc1520"}`,
		`{"message_type":"error","error":{"message":"x"},"item":"/a"}`,
		`{"message_type":"exit_error","code":1,"message":"x"}`,
		`{"message_type":"status","percent_done":1e308,"seconds_remaining":-1e308,"bytes_done":-1,"total_bytes":-9223372036854775808}`)
}

func FuzzRclone(f *testing.F) {
	fuzzParser(f, parseRclone,
		`{"level":"info","msg":"m","stats":{"bytes":1024,"errors":1,"lastError":"x","eta":3.5,"totalBytes":4096,"transferring":[{"name":"a"}]}}`,
		`{"level":"error","msg":"m","object":"o"}`,
		`{"level":"info","msg":"m","stats":{"bytes":9223372036854775807,"totalBytes":1,"eta":1e300}}`)
}

func FuzzPV(f *testing.F) { fuzzParser(f, parsePV, "0", " 100\r", "99.9", "101", "1e1", "0x1p-2", "") }

func FuzzPercent(f *testing.F) {
	fuzzParser(f, parsePercent, "45% done", "33,5 %", "a%20b", "%%%", "5%5%", "1.2.3%", "999999999999%")
}

// What any output leads to can be published.
func FuzzParse(f *testing.F) {
	f.Add("{\"message_type\":\"error\",\"item\":\"\\u0000\"}\n50%\n7\nx\x1b[")
	f.Fuzz(func(t *testing.T, text string) {
		var s State
		for line := range strings.Lines(text) {
			words := parse([]byte(line), &s)
			sound(t, s)
			if words != "" && words != s.Detail {
				t.Errorf("words %q, detail %q", words, s.Detail)
			}
		}
		if body := marshal(s); !utf8.Valid(body) {
			t.Errorf("%q", body)
		}
	})
}
