package e2e

import (
	"os"
	"strconv"
	"testing"
	"time"

	"hubline/test/internal/storm"
)

// killsVariable is how often the server is killed in all; a number of one's own takes
// as long as it takes.
const killsVariable = "HUBLINE_TEST_KILLS"

// Servers under load are killed hundreds of times at random moments, also while they
// start; now and then one is stopped in order. Whatever was acknowledged is there
// once, in its order and under its seq, publishers that repeat what was not answered
// find it there once, "recovered" is true when it is said, and saved cursors of
// devices do not go back. Each server has other bounds.
func TestKills(t *testing.T) {
	kills, within := 240, 40*time.Second
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			t.Fatalf("%s is %q, not a number of kills", killsVariable, text)
		}
		within = time.Duration(kills) * 5 * time.Second
	}
	servers := []struct {
		name string
		cfg  storm.Config
	}{
		{"everything is kept", storm.Config{
			Flags: []string{"--log-events", "1000000", "--log-bytes", "100MiB"},
			Users: 2, ClientsPerUser: 2, Publishers: 3, Broadcasts: true,
		}},
		{"few events are kept", storm.Config{
			Flags:   []string{"--log-events", "60", "--log-bytes", "100MiB"},
			Reasons: []string{"limit"}, LogEvents: 60,
			Users: 2, ClientsPerUser: 2, Publishers: 3, Away: true,
		}},
		{"logs are on disk", storm.Config{
			Flags: []string{"--log-users", "2", "--watermarks", "1", "--log-events", "1000000", "--log-bytes", "100MiB"},
			Users: 3, ClientsPerUser: 1, Publishers: 3, Crowd: 20, Broadcasts: true, Away: true,
		}},
		{"devices", storm.Config{
			Flags: []string{"--log-events", "1000000", "--log-bytes", "100MiB", "--ping-interval", "1s"},
			Users: 2, ClientsPerUser: 2, Publishers: 3, Devices: true, Slow: true,
		}},
	}
	for _, s := range servers {
		s.cfg.Lives, s.cfg.Within = (kills+len(servers)-1)/len(servers), within
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			storm.Run(t, s.cfg)
		})
	}
}
