package app

import (
	"hubline/api"
	"hubline/internal/config"
)

// limitsOf are the limits on callers that are configured.
func limitsOf(cfg config.Config) api.Limits {
	return api.Limits{
		API: cfg.APIRate, Connects: cfg.ConnectRatePerIP, Requests: cfg.RequestRatePerUser,
		AuthFailures: cfg.AuthFailureRatePerIP, Messages: cfg.MessageRate, Subjects: cfg.RateSubjects,
		MaxAnonymous: cfg.MaxAnonymousConnections, MaxAnonymousPerIP: cfg.MaxAnonymousConnectionsPerIP,
	}
}
