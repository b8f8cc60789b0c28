package e2e

import (
	"testing"

	"hubline/test/internal/storm"
)

// Whatever happens to connections, clients get every event once and in order, or
// are told exactly what is missing. Each configuration reaches another bound.
func TestOrderAndLoss(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  storm.Config
	}{
		{"everything is kept", storm.Config{
			Flags: []string{"--log-events", "100000", "--log-bytes", "100MiB"},
			Users: 3, ClientsPerUser: 3, Publishers: 4, Events: 6000, Broadcasts: true, Away: true,
		}},
		{"few events are kept", storm.Config{
			Flags:   []string{"--log-events", "60", "--log-bytes", "100MiB"},
			Reasons: []string{"limit"}, LogEvents: 60,
			Users: 2, ClientsPerUser: 4, Publishers: 4, Events: 8000, Away: true,
		}},
		{"few bytes are kept", storm.Config{
			Flags:   []string{"--max-publish-bytes", "4KiB", "--log-bytes", "8KiB"},
			Reasons: []string{"limit"},
			Users:   2, ClientsPerUser: 3, Publishers: 3, Events: 3000, DataBytes: 1500, Broadcasts: true, Away: true,
		}},
		{"logs are evicted", storm.Config{
			Flags:   []string{"--durability", "memory", "--log-users", "4", "--log-events", "100000", "--log-bytes", "100MiB"},
			Reasons: []string{"evicted"},
			Users:   3, ClientsPerUser: 1, Publishers: 3, Events: 10000, Crowd: 12, Away: true,
		}},
		{"watermarks are forgotten", storm.Config{
			Flags:   []string{"--durability", "memory", "--log-users", "3", "--watermarks", "1", "--log-events", "100000", "--log-bytes", "100MiB"},
			Reasons: []string{"evicted", "epoch"},
			Users:   3, ClientsPerUser: 1, Publishers: 3, Events: 10000, Crowd: 12, Away: true,
		}},
		{"slow readers and small outboxes", storm.Config{
			Flags: []string{"--outbox-events", "4", "--outbox-bytes", "8KiB", "--max-publish-bytes", "4KiB", "--log-events", "100000", "--log-bytes", "100MiB"},
			Users: 2, ClientsPerUser: 3, Publishers: 4, Events: 3000, DataBytes: 1000, Slow: true,
		}},
		{"filters and devices", storm.Config{
			Flags: []string{"--log-events", "100000", "--log-bytes", "100MiB", "--ping-interval", "1s"},
			Users: 2, ClientsPerUser: 4, Publishers: 3, Events: 3000, Filters: true, Devices: true, Slow: true,
		}},
		{"events expire", storm.Config{
			Flags:   []string{"--log-events", "100000", "--log-bytes", "100MiB"},
			Reasons: []string{"expired"},
			Users:   2, ClientsPerUser: 3, Publishers: 3, Events: 3000, TTL: true, Away: true, Slow: true,
		}},
		{"logs are evicted to the disk", storm.Config{
			Flags: []string{"--log-users", "3", "--watermarks", "1", "--log-events", "100000", "--log-bytes", "100MiB"},
			Users: 3, ClientsPerUser: 1, Publishers: 3, Events: 10000, Crowd: 12, Away: true, Broadcasts: true,
		}},
		{"a server without a disk is restarted", storm.Config{
			Flags:   []string{"--durability", "memory", "--log-events", "100000", "--log-bytes", "100MiB"},
			Reasons: []string{"epoch"},
			Users:   2, ClientsPerUser: 3, Publishers: 3, Events: 3000, Restarts: 3, Broadcasts: true,
		}},
		{"the server is restarted", storm.Config{
			Flags: []string{"--log-events", "100000", "--log-bytes", "100MiB"},
			Users: 2, ClientsPerUser: 3, Publishers: 3, Events: 3000, Restarts: 4, Broadcasts: true, Devices: true,
		}},
		{"the server is killed", storm.Config{
			Flags: []string{"--log-events", "100000", "--log-bytes", "100MiB", "--log-users", "2"},
			Users: 3, ClientsPerUser: 2, Publishers: 4, Events: 8000, Restarts: 20, Kills: true, Away: true, Broadcasts: true,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { storm.Run(t, tt.cfg) })
	}
}
