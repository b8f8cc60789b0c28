package jsonscan

import "strconv"

// Error says what is wrong with a text, and where. It repeats nothing of it.
type Error struct {
	// Offset is the index of the first byte that cannot stand where it does, or
	// the length of a text that ends too early.
	Offset int
	Reason Reason
}

// Error implements error.
func (e *Error) Error() string { return string(e.Reason) + " at byte " + strconv.Itoa(e.Offset) }

// Reason is a fixed text, written so that "at byte 17" can follow it.
type Reason string

// The reasons.
const (
	UnexpectedEnd   Reason = "the text ends too early"
	NotAValue       Reason = "there is no value"
	NotAName        Reason = "there is no name in quotes"
	NotAColon       Reason = "there is no colon behind a name"
	NotInObject     Reason = "there is neither a comma nor the end of the object"
	NotInArray      Reason = "there is neither a comma nor the end of the array"
	NotAnObject     Reason = "there is no object"
	NotAnArray      Reason = "there is no array"
	TrailingBytes   Reason = "something follows the value"
	TooDeep         Reason = "the value is nested too deeply"
	InvalidUTF8     Reason = "there is no valid UTF-8"
	InvalidEscape   Reason = "there is an unknown escape in a string"
	UnescapedByte   Reason = "there is an unescaped control character in a string"
	MalformedNumber Reason = "there is no digit where a number needs one"
)
