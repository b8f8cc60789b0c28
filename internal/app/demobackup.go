package app

import (
	"fmt"
	"iter"
)

// progress is the data of a backup event.
type progress struct {
	Operation   string `json:"operation"`
	Step        string `json:"step"`
	FileName    string `json:"fileName"`
	StageTitle  string `json:"stageTitle"`
	StageDetail string `json:"stageDetail"`
	Percent     int    `json:"percent"`
	Done        bool   `json:"done"`
	OK          bool   `json:"ok"`
	Error       string `json:"error,omitempty"`
}

// stages of the imaginary backup, with the percentage at which each begins.
var stages = []struct {
	step, title, detail string
	from                int
}{
	{"export_collect_data", "Collecting", "reading folders and attachments", 0},
	{"export_package_archive", "Packing", "compressing and encrypting the archive", 35},
	{"remote_run_upload_archive", "Uploading", "sending the archive to the second site", 60},
	{"remote_run_verify_archive", "Verifying", "comparing checksums", 90},
}

// Every failEvery-th backup fails at failPercent, so that this can be seen too.
const (
	failEvery   = 4
	failPercent = 76
)

// backup yields the reports of the n-th imaginary backup, from 1.
func backup(n int) iter.Seq[progress] {
	return func(yield func(progress) bool) {
		for percent := 0; percent <= 100; percent += 4 {
			p := progress{
				Operation: "backup-export", FileName: fmt.Sprintf("nightly-%03d.tar.zst", n),
				Percent: percent, Done: percent == 100, OK: percent == 100,
			}
			for _, s := range stages {
				if percent >= s.from {
					p.Step, p.StageTitle, p.StageDetail = s.step, s.title, s.detail
				}
			}
			switch {
			case p.Done:
				p.Step, p.StageTitle, p.StageDetail = "remote_run_complete", "Done", "the archive is safe on both sites"
			case n%failEvery == 0 && percent == failPercent:
				p.Step, p.StageTitle, p.Done = "remote_run_failed", "Failed", true
				p.Error = "the second site did not answer for 30 s; the archive is kept here and goes with the next run"
			}
			if !yield(p) || p.Done {
				return
			}
		}
	}
}
