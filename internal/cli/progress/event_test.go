package progress

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEvents(t *testing.T) {
	plain := Labels{User: "u", Type: "backup.progress", Operation: "backup-export", FileName: "restic"}
	full := Labels{
		User: "u", Device: "d", Type: "13", Operation: "backup-remote-run", FileName: "f", Source: "host",
		Step: "remote_run_upload_archive", Title: "Uploading",
	}
	secret := plain
	secret.NoDetail = true
	state := State{Percent: 50, Measured: true, BytesDone: 1024, BytesTotal: 2048, ETA: 9, Detail: "/home", Failure: "no"}
	const at = `"timestamp":"2000-01-01T00:00:00.000Z"}`
	for _, tt := range []struct {
		name   string
		labels Labels
		phase  phase
		state  State
		end    Outcome
		want   string // of the data; its beginning is common
	}{
		{
			"start", plain, started,
			State{},
			Outcome{},
			`"operation":"backup-export","step":"export_started","fileName":"restic","stageTitle":"Started","stageDetail":"","done":false,"ok":false,` + at,
		},
		{
			"running", plain, running, state,
			Outcome{},
			`"operation":"backup-export","step":"export_running","fileName":"restic","stageTitle":"Running","stageDetail":"1.0 KiB of 2.0 KiB, /home",` +
				`"percent":50,"bytesDone":1024,"bytesTotal":2048,"etaSeconds":9,"done":false,"ok":false,` + at,
		},
		{
			"running, figures only", secret, running, state,
			Outcome{},
			`"operation":"backup-export","step":"export_running","fileName":"restic","stageTitle":"Running","stageDetail":"1.0 KiB of 2.0 KiB",` +
				`"percent":50,"bytesDone":1024,"bytesTotal":2048,"etaSeconds":9,"done":false,"ok":false,` + at,
		},
		{
			"running, with all labels", full, running,
			State{},
			Outcome{},
			`"UserId":"u","Date":"2000-01-01T00:00:00.000Z","operation":"backup-remote-run","source":"host","step":"remote_run_upload_archive",` +
				`"fileName":"f","stageTitle":"Uploading","stageDetail":"","done":false,"ok":false,` + at,
		},
		{
			"done", full, ended, state,
			Outcome{},
			`"UserId":"u","Date":"2000-01-01T00:00:00.000Z","operation":"backup-remote-run","source":"host","step":"remote_run_complete","fileName":"f",` +
				`"stageTitle":"Done","stageDetail":"1.0 KiB of 2.0 KiB, /home","percent":100,"bytesDone":1024,"bytesTotal":2048,"done":true,"ok":true,"exitStatus":0,` + at,
		},
		{
			"failed", plain, ended,
			State{},
			Outcome{Status: 130, Reason: "why"},
			`"operation":"backup-export","step":"export_failed","fileName":"restic","stageTitle":"Failed","stageDetail":"","done":true,"ok":false,` +
				`"error":"why","exitStatus":130,` + at,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // its clock begins with the year 2000
				e := tt.labels.newEvent(tt.phase, tt.state, tt.end, time.Now())
				var body struct {
					Type, ID, Device string
					Data             json.RawMessage
				}
				if err := json.Unmarshal(e.body, &body); err != nil {
					t.Fatal(err)
				}
				if body.Type != tt.labels.Type || body.Device != tt.labels.Device || len(body.ID) != 36 {
					t.Errorf("event = %s", e.body)
				}
				if diff := cmp.Diff("{"+tt.want, string(body.Data)); diff != "" {
					t.Errorf("data (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// NodeWarden's pages pass over progress whose operation, step or fileName is no
// text.
func TestEveryEventHasWhatPagesAskFor(t *testing.T) {
	for _, operation := range []string{"export", "backup-export", "backup-restore", "x"} {
		for _, p := range []phase{started, running, ended} {
			e := Labels{Operation: operation, FileName: "f"}.newEvent(p, State{}, Outcome{}, time.Now())
			for _, name := range []string{"operation", "step", "fileName", "stageTitle", "stageDetail"} {
				if !strings.Contains(string(e.body), `"`+name+`":"`) {
					t.Errorf("%s is missing in %s", name, e.body)
				}
			}
			if step := strings.TrimPrefix(operation, "backup-") + "_"; !strings.Contains(string(e.body), `"step":"`+step) {
				t.Errorf("the step of %s does not begin with %s: %s", operation, step, e.body)
			}
		}
	}
}
