package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/config"
	"hubline/replay"
)

// demoUser is whose events the demo plays.
const demoUser = "demo"

// demo plays an imaginary backup over and over, so that a newcomer sees events
// within seconds and without publishing any.
type demo struct {
	broker *broker.Broker
	secret []byte
	// What tokens must have here.
	issuer, audience string
}

// newDemo refuses to begin without a secret: its page could not connect.
func newDemo(b *broker.Broker, secret []byte, cfg config.Config) (*demo, error) {
	if secret == nil {
		return nil, errors.New("demo: it signs tokens for its page, which needs a secret, and only public keys are configured")
	}
	return &demo{broker: b, secret: secret, issuer: cfg.JWTIssuer, audience: cfg.JWTAudience}, nil
}

// session makes a token for the page.
func (d *demo) session() (user, token string, err error) {
	token, err = auth.Sign(d.secret, auth.Claims{
		User: demoUser, Device: "page", TTL: time.Hour, Issuer: d.issuer, Audience: d.audience,
	})
	return demoUser, token, err
}

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

// run publishes until ctx ends.
func (d *demo) run(ctx context.Context) {
	t := time.NewTicker(700 * time.Millisecond)
	defer t.Stop()
	for n := 1; ; n++ {
		file := fmt.Sprintf("nightly-%03d.tar.zst", n)
		for percent := 0; percent <= 100; percent += 4 {
			p := progress{Operation: "backup-export", FileName: file, Percent: percent, Done: percent == 100, OK: percent == 100}
			for _, s := range stages {
				if percent >= s.from {
					p.Step, p.StageTitle, p.StageDetail = s.step, s.title, s.detail
				}
			}
			if p.Done {
				p.Step, p.StageTitle, p.StageDetail = "remote_run_complete", "Done", "the archive is safe on both sites"
			}
			if !d.publish(p) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}
}

func (d *demo) publish(p progress) bool {
	data, err := json.Marshal(p)
	if err != nil {
		return false // a plain struct always marshals
	}
	id, err := uuid.NewV7()
	if err != nil {
		return false
	}
	_, err = d.broker.Publish(demoUser, &replay.Event{
		ID: id.String(), Type: "backup.progress", Data: data, Time: time.Now().UnixMilli(),
	}, broker.Key{})
	return err == nil
}
