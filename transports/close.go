package transports

// Reason tells why a connection ended. Its text is the label in metrics and
// logs and the reason in the native closing message.
type Reason string

// The reasons.
const (
	ReasonClientClosed  Reason = "client_closed"  // the client said goodbye
	ReasonLost          Reason = "lost"           // the network took it
	ReasonDone          Reason = "done"           // the dialect finished in order
	ReasonDrain         Reason = "drain"          // the server stops
	ReasonExpired       Reason = "expiry"         // the token's time is over
	ReasonRevoked       Reason = "revoked"        // its token was
	ReasonDisconnected  Reason = "disconnected"   // an administrator ended it
	ReasonReplaced      Reason = "replaced"       // a newer request took its place
	ReasonSlow          Reason = "slow"           // it did not take its bytes in time
	ReasonTimeout       Reason = "timeout"        // nothing was heard from it in time
	ReasonHandshake     Reason = "handshake"      // no acceptable handshake
	ReasonProtocolError Reason = "protocol_error" // it sent what the protocol forbids
	ReasonTooLarge      Reason = "too_large"      // it sent more than a limit allows
	ReasonNeverUsed     Reason = "never_used"     // negotiated, never connected
	ReasonInternal      Reason = "internal"       // our fault
)

// Close codes of RFC 6455, section 7.4.1, and of the IANA registry.
const (
	CodeNormal        = 1000
	CodeGoingAway     = 1001
	CodeProtocolError = 1002
	CodePolicy        = 1008
	CodeTooLarge      = 1009
	CodeInternal      = 1011
	CodeRestart       = 1012
	CodeTryAgain      = 1013
	// CodeUnauthorized tells a native client to fetch a new token first.
	CodeUnauthorized = 4401
)

// CloseCode maps the reason to the code and text of a native WebSocket's close
// frame. 1012 and 1013 mean "come back", 4401 "with a new token", 1008 "do not".
func (r Reason) CloseCode() (code int, text string) {
	switch r {
	case ReasonDrain:
		return CodeRestart, string(r)
	case ReasonSlow, ReasonTimeout:
		return CodeTryAgain, string(r)
	case ReasonExpired:
		return CodeUnauthorized, string(r)
	case ReasonRevoked, ReasonHandshake:
		return CodePolicy, string(r)
	case ReasonProtocolError:
		return CodeProtocolError, string(r)
	case ReasonTooLarge:
		return CodeTooLarge, string(r)
	case ReasonInternal:
		return CodeInternal, string(r)
	}
	return CodeNormal, ""
}
