package protocol

import "fmt"

// ParseError tells what a peer's message violates. Its text is the one that
// ASP.NET Core gives, and may be shown to the peer.
type ParseError struct{ Text string }

func (e *ParseError) Error() string { return e.Text }

// TooLargeError reports a message that, with its framing, exceeds Limit bytes.
type TooLargeError struct{ Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("The maximum message size of %dB was exceeded. The message size can be configured in AddHubOptions.", e.Limit) //nolint:staticcheck // a text that clients show, as ASP.NET Core words it
}

func parseErrorf(format string, args ...any) error {
	return &ParseError{Text: fmt.Sprintf(format, args...)}
}

var errJSON = &ParseError{Text: "Error reading JSON."}

func errMissing(property string) error {
	return parseErrorf("Missing required property '%s'.", property)
}

func errKind(property, kind string) error {
	return parseErrorf("Expected '%s' to be of type %s.", property, kind)
}
