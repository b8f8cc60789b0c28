package progress

import (
	"bytes"
	"io"
	"testing"
)

// What reading costs the output of a command that prints as fast as it can; a
// pipe alone moves about 2 GB/s.
func BenchmarkPass(b *testing.B) {
	status := `{"message_type":"status","seconds_elapsed":3,"percent_done":0.25136,"total_files":12,"total_bytes":4096,"bytes_done":1030,"current_files":["/home/a"]}` + "\n"
	for _, bb := range []struct{ name, line string }{
		{"lines", "/home/alice/documents/2024/report-final.odt\n"},
		{"percent", " 45% 12 + home/alice/documents/report-final.odt\n"},
		{"restic", status},
		{"JSON", `{"_id":{"$oid":"65f"},"name":"alice","tags":["a","b"]}` + "\n"},
		{"binary", "\x00\x01\x02\x03archive"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			output := bytes.Repeat([]byte(bb.line), 1<<20/len(bb.line))
			t := &tracker{changed: func(State) {}}
			b.SetBytes(int64(len(output)))
			b.ReportAllocs()
			for b.Loop() {
				pass(io.Discard, onlyReader{bytes.NewReader(output)}, t.stream(true))
			}
		})
	}
}

type onlyReader struct{ io.Reader }
