package config

import (
	"cmp"
	"errors"
	"time"
)

// between returns an error unless lowest ≤ got ≤ highest.
func between[T cmp.Ordered](flag string, got, lowest, highest T) error {
	if got < lowest || got > highest {
		return flagError(flag, "%v is not between %v and %v", got, lowest, highest)
	}
	return nil
}

// maxCount keeps numbers of things far from overflow and typing slips apart
// from wishes.
const maxCount = 1_000_000_000

// maxMembers: an event to all members of a channel is one commit of the log on disk,
// which takes half a GiB.
const maxMembers = 1_000_000

func (c Config) validateCounts() error {
	return errors.Join(
		between("max-batch-items", c.MaxBatchItems, 1, maxCount),
		between("idempotency-keys", c.IdempotencyKeys, 1, maxCount),
		between("max-connections", c.MaxConnections, 1, maxCount),
		between("max-connections-per-user", c.MaxConnectionsPerUser, 0, maxCount),
		between("max-connections-per-ip", c.MaxConnectionsPerIP, 0, maxCount),
		between("max-negotiated", c.MaxNegotiated, 1, maxCount),
		between("max-channels-per-user", c.MaxChannelsPerUser, 1, maxCount),
		between("max-channel-members", c.MaxChannelMembers, 1, maxMembers),
		between("max-presence-members", c.MaxPresenceMembers, 1, maxMembers),
		between("max-memberships", c.MaxMemberships, 1, maxCount),
		between("max-revocations", c.MaxRevocations, 1, maxCount),
		between("max-kept-out", c.MaxKeptOut, 1, maxCount),
		between("outbox-events", c.OutboxEvents, 1, maxCount),
		between("log-events", c.LogEvents, 1, maxCount),
		between("log-users", c.LogUsers, 1, maxCount),
		between("watermarks", c.Watermarks, 1, maxCount),
	)
}

// validateSizes also checks the limits against one another: an event that may
// be published must fit into what comes after.
func (c Config) validateSizes() error {
	problems := []error{
		between("max-publish-bytes", c.MaxPublishBytes, 256, GiB),
		between("max-batch-bytes", c.MaxBatchBytes, 256, GiB),
		between("max-inflight-bytes", c.MaxInflightBytes, 256, 1024*GiB),
		between("max-message-bytes", c.MaxMessageBytes, 256, GiB),
		between("outbox-bytes", c.OutboxBytes, 256, 1024*GiB),
		between("log-bytes", c.LogBytes, 256, 1024*GiB),
		between("log-total-bytes", c.LogTotalBytes, 256, 1024*GiB),
		between("log-disk-bytes", c.LogDiskBytes, 16*MiB, 1024*1024*GiB),
	}
	if c.MaxBatchBytes < c.MaxPublishBytes {
		problems = append(problems, flagError("max-batch-bytes", "%v is less than --max-publish-bytes (%v): a batch of one event would be refused", c.MaxBatchBytes, c.MaxPublishBytes))
	}
	if c.MaxInflightBytes < c.MaxBatchBytes {
		problems = append(problems, flagError("max-inflight-bytes", "%v is less than --max-batch-bytes (%v): the largest batch would always be refused", c.MaxInflightBytes, c.MaxBatchBytes))
	}
	if c.OutboxBytes < 2*c.MaxPublishBytes {
		problems = append(problems, flagError("outbox-bytes", "%v is less than twice --max-publish-bytes (%v): an event and its envelope must fit", c.OutboxBytes, c.MaxPublishBytes))
	}
	if c.LogBytes < 2*c.MaxPublishBytes {
		problems = append(problems, flagError("log-bytes", "%v is less than twice --max-publish-bytes (%v): an event and its envelope must fit", c.LogBytes, c.MaxPublishBytes))
	}
	if c.LogTotalBytes < c.LogBytes {
		problems = append(problems, flagError("log-total-bytes", "%v is less than --log-bytes (%v)", c.LogTotalBytes, c.LogBytes))
	}
	if c.Durable() && c.MaxPublishBytes > maxDurablePublish {
		problems = append(problems, flagError("max-publish-bytes", "%v is more than %v, which is the most that can be kept on disk: lower it, or choose --durability memory", c.MaxPublishBytes, maxDurablePublish))
	}
	return errors.Join(problems...)
}

// maxDurablePublish leaves an event room in a record of the log on disk.
const maxDurablePublish = 15 * MiB

func (c Config) validateTimes() error {
	problems := []error{
		between("log-age", c.LogAge, time.Second, 10*365*24*time.Hour),
		between("revocation-ttl", c.RevocationTTL, time.Minute, 10*365*24*time.Hour),
		between("presence-grace", c.PresenceGrace, 0, time.Hour),
		between("negotiate-ttl", c.NegotiateTTL, time.Second, time.Hour),
		between("ticket-ttl", c.TicketTTL, time.Second, maxTicketTTL),
		between("ping-interval", c.PingInterval, time.Second, time.Hour),
		between("client-timeout", c.ClientTimeout, time.Second, time.Hour),
		between("handshake-timeout", c.HandshakeTimeout, time.Second, time.Hour),
		between("send-timeout", c.SendTimeout, 100*time.Millisecond, time.Hour),
		between("poll-timeout", c.PollTimeout, time.Second, time.Hour),
		between("read-header-timeout", c.ReadHeaderTimeout, 100*time.Millisecond, time.Hour),
		between("body-timeout", c.BodyTimeout, 100*time.Millisecond, time.Hour),
		between("drain-timeout", c.DrainTimeout, 0, time.Hour),
	}
	if c.ClientTimeout <= c.PingInterval {
		problems = append(problems, flagError("client-timeout", "%v is not longer than --ping-interval (%v): a client would count as gone before it could answer", c.ClientTimeout, c.PingInterval))
	}
	return errors.Join(problems...)
}
