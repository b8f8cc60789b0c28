// Package auth turns a bearer token or an API key into an [Identity]: who is
// asking, from which device, with which scopes and for how long.
//
// Tokens are JSON Web Tokens signed with a shared secret, with keys from PEM
// files, or with keys from a JWK set that may rotate ([Verifier]). API keys are
// random texts of which only the SHA-256 is stored ([Keys]). The package also
// holds the rest of what stands at the door: where in a request a token may be
// ([FromRequest], [FromCookie]), which web origins may come in ([Origins]), and what
// may be a name ([Usable]).
//
// # Concurrency properties
//
// Verifier, Keys (once parsed) and Origins are safe for concurrent use. An
// *Identity is shared between requests and connections and must not be changed.
//
// # What never happens
//
// An error text of this package is made of fixed words only: no token, no key
// and no claim value is in it, so it may be logged and sent to the client.
package auth
