package cli

import (
	"time"

	"hubline/api/auth"
)

// tokenCommand is `hubline token`.
type tokenCommand struct {
	User     string        `required:"" placeholder:"USER" help:"Whom the token is for (sub)."`
	Device   string        `placeholder:"DEVICE" help:"The user's device (device)."`
	Scope    []string      `placeholder:"SCOPE" help:"Scopes for the backend API: publish, read, admin."`
	Channels []string      `placeholder:"CHANNEL" help:"Private channels the user may join; * at the end matches any ending."`
	TTL      time.Duration `default:"1h" placeholder:"DURATION" help:"How long the token is good (${default})."`
	DataDir  string        `aliases:"data" env:"HUBLINE_DATA_DIR,HUBLINE_DATA" default:"./hubline-data" placeholder:"DIR" help:"Data directory of the server (${default})."`
	secretFlags
}

// Help fulfils kong.HelpProvider.
func (tokenCommand) Help() string {
	return `The token is signed with HS256 and printed alone, to be used in commands:

    curl -N -H "Authorization: Bearer $(hubline token --user alice)" http://127.0.0.1:8080/events

` + envNote
}

// Run prints the token.
func (c tokenCommand) Run(env environment) error {
	token, err := c.sign()
	if err != nil {
		return err
	}
	return say(env.stdout, "%s\n", token)
}

func (c tokenCommand) sign() (string, error) {
	scopes, err := auth.ParseScopes(c.Scope...)
	if err != nil {
		return "", err
	}
	secret, err := c.secret(c.DataDir)
	if err != nil {
		return "", err
	}
	return auth.Sign(secret, auth.Claims{
		User: c.User, Device: c.Device, Scopes: scopes, Channels: c.Channels, TTL: c.TTL,
		Issuer: c.JWTIssuer, Audience: c.JWTAudience,
	})
}
