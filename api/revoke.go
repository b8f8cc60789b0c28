package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/transports"
)

// revokedAnswer says what holds from now on.
type revokedAnswer struct {
	User         string `json:"user,omitempty"`
	TokenID      string `json:"jti,omitempty"`
	IssuedBefore *int64 `json:"issuedBefore"` // Unix milliseconds; null: whenever issued
	Until        int64  `json:"until"`        // Unix milliseconds
	Disconnected int    `json:"disconnected"`
}

// revoke serves POST /tokens:revoke. Whoever asks for it is named in the log.
func (a *API) revoke(c echo.Context) error {
	who, err := a.backend(c, auth.ScopeAdmin)
	if err != nil {
		return err
	}
	in, err := readBody(c.Request(), maxRevokeBytes)
	if err != nil {
		return err
	}
	now := time.Now()
	v, err := scanRevoke(in.b, now)
	in.free()
	if err != nil {
		return err
	}
	v.Until = now.Add(a.cfg.RevocationTTL)
	a.revoking.Lock()
	defer a.revoking.Unlock()
	// Before connections are looked for: whoever comes meanwhile is found by one of the
	// two, see admitted.
	// What holds may be more than what was asked for, and is what the disk has to know.
	if v, err = a.verify.Revocations().Add(v); err != nil {
		return err
	}
	out := revokedAnswer{User: v.User, TokenID: v.TokenID, Until: v.Until.UnixMilli(), Disconnected: a.endRevoked()}
	if !v.Before.IsZero() {
		out.IssuedBefore = new(v.Before.UnixMilli())
	}
	err = a.broker.SaveRevocation(v.Record())
	a.log.LogAttrs(c.Request().Context(), slog.LevelInfo, "tokens revoked",
		slog.String("by", caller(who)), slog.String("user", v.User), slog.Bool("one_token", v.TokenID != ""),
		slog.Any("issued_before", out.IssuedBefore), slog.Int("connections", out.Disconnected), slog.Any("err", err))
	if err != nil {
		return unsavedRevocation(err)
	}
	return answerJSON(c, http.StatusOK, out)
}

// unsavedRevocation says what the disk's refusal means here.
func unsavedRevocation(err error) error {
	if errors.Is(err, broker.ErrDraining) {
		return err
	}
	p := *asProblem(err)
	p.Detail = "The tokens are refused from now on, but that could not be written: it is forgotten when the server stops. Try again when there is room."
	return fmt.Errorf("%w: %w", &p, err)
}

// endRevoked ends the connections whose tokens are not accepted any more.
func (a *API) endRevoked() (ended int) {
	for _, conn := range a.server.Connections() {
		if id, ok := conn.Credentials().(*auth.Identity); ok && a.verify.Revoked(id) {
			conn.Leave(transports.ReasonRevoked)
			ended++
		}
	}
	return ended
}

// ForgetRevocations forgets revocations that have expired, in memory and on disk. It is
// to be called now and then.
func (a *API) ForgetRevocations(ctx context.Context, now time.Time) {
	for a.forgetRevocations(ctx, now) == forgottenAtOnce {
		// Whoever wants to revoke meanwhile waits for one write at most.
	}
}

// forgottenAtOnce bounds what is removed in one write.
const forgottenAtOnce = 1000

// forgetRevocations forgets some, and returns how many.
func (a *API) forgetRevocations(ctx context.Context, now time.Time) int {
	a.revoking.Lock()
	defer a.revoking.Unlock()
	gone := a.verify.Revocations().Sweep(now, forgottenAtOnce)
	names := make([]broker.RevocationName, len(gone))
	for i := range gone {
		names[i].Of, names[i].Name, _ = gone[i].Record()
	}
	if err := a.broker.RemoveRevocations(names); err != nil && !errors.Is(err, broker.ErrDraining) {
		a.log.LogAttrs(ctx, slog.LevelWarn, "expired revocations could not be removed from the disk", slog.Int("count", len(gone)), slog.Any("err", err))
	}
	return len(gone)
}
