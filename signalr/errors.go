package signalr

import (
	"errors"
	"fmt"
)

// Error is an error for the client's eyes: a method that returns one has its
// text shown to the caller, behind the name that .NET gives such errors.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

// Errorf makes an Error.
func Errorf(format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...)}
}

// Texts of ASP.NET Core, which clients show and programs compare.
const (
	textClosedWithError = "Connection closed with an error."
	textTimeout         = "OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
	textBinding         = "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked."
	textNoMethod        = "HubException: Method does not exist."
)

func textInvokeFailed(target string) string {
	return fmt.Sprintf("Failed to invoke '%s' due to an error on the server.", target)
}

func textUnexpected(target string) string {
	return fmt.Sprintf("An unexpected error occurred invoking '%s' on the server.", target)
}

// withDetail appends what only developers are shown.
func (h *Hub) withDetail(text, detail string) string {
	if h.cfg.DetailedErrors {
		return text + " " + detail
	}
	return text
}

// methodError is text with what the client may know of an error that a
// function of the program returned.
func (h *Hub) methodError(text string, err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return text + " HubException: " + e.Text
	}
	return h.withDetail(text, "Exception: "+err.Error())
}
