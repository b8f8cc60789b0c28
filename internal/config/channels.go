package config

import (
	"errors"
	"net/url"
	"time"
)

// validateChannels looks at the webhook; counts are looked at with the others.
func (c Config) validateChannels() error {
	var problems []error
	if c.ChannelWebhook != "" {
		u, err := url.Parse(c.ChannelWebhook)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			problems = append(problems, flagError("channel-webhook", "%q is not an http or https URL", c.ChannelWebhook))
		} else if u.User != nil {
			problems = append(problems, flagError("channel-webhook", "has a password, which would stand in logs: use --channel-webhook-secret-file"))
		}
	}
	if c.ChannelWebhookSecretFile != "" {
		_, err := ReadSecretFile(c.ChannelWebhookSecretFile)
		problems = append(problems, flagErrors("channel-webhook-secret-file", err))
		if c.ChannelWebhook == "" {
			problems = append(problems, flagError("channel-webhook-secret-file", "is of no use without --channel-webhook"))
		}
	}
	return errors.Join(append(
		problems,
		between("channel-webhook-timeout", c.ChannelWebhookTimeout, 10*time.Millisecond, time.Minute),
		between("channel-webhook-cache", c.ChannelWebhookCache, 0, time.Hour),
	)...)
}
