package progress

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known is a state with a percentage.
func known(percent float64, s State) State {
	s.Percent, s.Measured = percent, true
	return s
}

// The lines are those of the tools' manuals, with their fields.
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines string
		want  State
		words string // of the last line
	}{
		{
			"restic status",
			`{"message_type":"status","seconds_elapsed":3,"seconds_remaining":9,"percent_done":0.25136,"total_files":12,"files_done":3,"total_bytes":4096,"bytes_done":1030,"current_files":["/home/a","/home/b","/home/c"]}`,
			known(25.1, State{BytesDone: 1030, BytesTotal: 4096, ETA: 9, Detail: "/home/a and 2 more"}), "",
		},
		{
			"restic status of an empty backup",
			`{"message_type":"status","percent_done":0,"total_files":1}`,
			known(0, State{}), "",
		},
		{
			"restic verbose",
			`{"message_type":"verbose_status","action":"new","item":"/home/a","duration":0.01,"data_size":5,"metadata_size":2,"total_files":0}
{"message_type":"status","action":"scan_finished","item":"","duration":0.4,"data_size":4096,"metadata_size":0,"total_files":12}`,
			State{Detail: "new /home/a"},
			"",
		},
		{
			"restic summary",
			`{"message_type":"summary","files_new":2,"files_changed":1,"files_unmodified":9,"dirs_new":1,"data_blobs":5,"tree_blobs":2,"data_added":100,"total_files_processed":12,"total_bytes_processed":4096,"total_duration":1.5,"snapshot_id":"40dc1520"}`,
			known(100, State{BytesDone: 4096, BytesTotal: 4096, Detail: "12 files, snapshot 40dc1520"}), "",
		},
		{
			"restic restore",
			`{"message_type":"status","seconds_elapsed":1,"percent_done":0.5,"total_files":3,"files_restored":1,"total_bytes":200,"bytes_restored":100}
{"message_type":"summary","total_files":3,"files_restored":3,"total_bytes":200,"bytes_restored":200}`,
			known(100, State{BytesDone: 200, BytesTotal: 200, Detail: "3 files"}), "",
		},
		{
			"restic error",
			`{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/etc/shadow"}`,
			State{Detail: "/etc/shadow: permission denied", Failure: "/etc/shadow: permission denied"},
			"",
		},
		{
			"restic error before 0.17",
			`{"message_type":"error","error":{"Op":"open","Path":"/etc/shadow","Err":13},"during":"archival","item":"/etc/shadow"}`,
			State{Detail: "/etc/shadow: open failed", Failure: "/etc/shadow: open failed"},
			"",
		},
		{
			"restic exit error",
			`{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist: stat /srv: no such file or directory"}`,
			State{Failure: "Fatal: repository does not exist: stat /srv: no such file or directory"},
			"",
		},
		{
			"rclone stats",
			`{"level":"info","msg":"\nTransferred:   \t  1 KiB / 4 KiB, 25%, 1 KiB/s, ETA 3s\n","source":"accounting/stats.go:518","stats":{"bytes":1024,"checks":0,"deletes":0,"elapsedTime":1.0,"errors":0,"eta":3,"fatalError":false,"speed":1024.5,"totalBytes":4096,"transferring":[{"bytes":1024,"eta":3,"group":"global_stats","name":"photos/1.jpg","percentage":25,"size":4096,"speed":1024.5}],"transfers":0},"time":"2024-05-01T10:00:00.000000+02:00"}`,
			known(25, State{BytesDone: 1024, BytesTotal: 4096, ETA: 3, Detail: "photos/1.jpg"}), "",
		},
		{
			"rclone stats without an estimate, with an error",
			`{"level":"notice","msg":"Transferred","stats":{"bytes":10,"errors":2,"eta":null,"lastError":"couldn't list: 403","totalBytes":0},"time":"t"}`,
			State{BytesDone: 10, Failure: "couldn't list: 403"},
			"",
		},
		{
			"rclone log",
			`{"level":"info","msg":"Copied (new)","object":"photos/1.jpg","objectType":"*local.Object","size":4096,"source":"operations/operations.go:360","time":"t"}`,
			State{Detail: "photos/1.jpg: Copied (new)"},
			"",
		},
		{
			"rclone error",
			`{"level":"error","msg":"Failed to copy: quota","object":"a","source":"x","time":"t"}`,
			State{Detail: "a: Failed to copy: quota", Failure: "a: Failed to copy: quota"},
			"",
		},
		{"pv", "0\n7\n100", known(100, State{}), ""},
		{"pv with a line before", "packing\n 42 ", known(42, State{Detail: "packing"}), ""},
		{"a number that is no percentage", "101", State{Detail: "101"}, "101"},
		{"rsync --info=progress2", "    1,234,567  45%   12.34MB/s    0:00:12 (xfr#5, to-chk=3/10)", known(45, State{Detail: "1,234,567 45% 12.34MB/s 0:00:12 (xfr#5, to-chk=3/10)"}), ""},
		{"7z", " 12% 3 + a/b.txt", known(12, State{Detail: "12% 3 + a/b.txt"}), ""},
		{"pg_basebackup", "12345/24690 kB (50%), 0/1 tablespace", known(50, State{Detail: "12345/24690 kB (50%), 0/1 tablespace"}), ""},
		{"a space before the sign", "progress: 33.35 %", known(33.4, State{Detail: "progress: 33.35 %"}), ""},
		{"a comma", "33,5% fertig", known(33.5, State{Detail: "33,5% fertig"}), ""},
		{"the first percentage counts", "120% of 5% and 6%", known(5, State{Detail: "120% of 5% and 6%"}), ""},
		{"no percentages", "a%20b%2Fc -5% v5% 5%d 1.2.3% % 5%5%", State{Detail: "a%20b%2Fc -5% v5% 5%d 1.2.3% % 5%5%"}, "a%20b%2Fc -5% v5% 5%d 1.2.3% % 5%5%"},
		{"a line", "  dumping\ttable \x1b[1;32musers\x1b[0m\x07 ", State{Detail: "dumping table users"}, "dumping table users"},
		{"other JSON", `{"a":1}`, State{Detail: `{"a":1}`}, `{"a":1}`},
		{"restic of the wrong shape", `{"message_type":"status","percent_done":"x"}`, State{Detail: `{"message_type":"status","percent_done":"x"}`}, `{"message_type":"status","percent_done":"x"}`},
		{"nothing", " \t ", State{}, ""},
		{"only colors", "\x1b[0m", State{}, ""},
		{"bytes that are not UTF-8", "caf\xe9", State{Detail: "caf\ufffd"}, "caf\ufffd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got State
			var words string
			for line := range strings.Lines(tt.lines) {
				words = parse([]byte(line), &got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || words != tt.words {
				t.Errorf("words %q, want %q; state (-want +got):\n%s", words, tt.words, diff)
			}
		})
	}
}

func TestTextsAreBounded(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{strings.Repeat("a", maxText), maxText},
		{strings.Repeat("a", maxText+1), maxText},
		{strings.Repeat("ä", maxText), maxText - 1}, // does not cut a character
	} {
		got := tidy([]byte(tt.in))
		if len(got) != tt.want || len(tt.in) > maxText && !strings.HasSuffix(got, "…") {
			t.Errorf("%d bytes became %d: %s", len(tt.in), len(got), got)
		}
	}
}

func TestEscapeSequencesAreLeftOut(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[2Kb":                    "ab",
		"a\x1b]0;title\x07b":           "ab",
		"a\x1b]8;;http://x\x1b\\b":     "ab",
		"a\x1b(Bb":                     "ab",
		"a\x1b7b\x1b":                  "ab",
		"a\x1b[12":                     "a",
		"a\x1b]0;title without an end": "a",
		"a\x1b[1\nb":                   "a b",
		"a\x1b\x01b":                   "a b",
		"a\u202eb":                     "a b",
	} {
		if got := tidy([]byte(in)); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB", 1<<63 - 1: "8.0 EiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}
