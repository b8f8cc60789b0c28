package jsonscan

// What is wrong with a text, for the functions that read its parts: a negative
// number that holds the index and the code, so that it can be returned in a
// register in place of an index. On 32 bits it holds indexes up to 128 MiB.

type code int

const (
	unexpectedEnd code = iota
	notAValue
	notAName
	notAColon
	notInObject
	notInArray
	tooDeep
	invalidUTF8
	invalidEscape
	unescapedByte
	malformedNumber
	codes
)

const codeBits = 4

const _ = uint(1<<codeBits - codes) // they fit

var reasons = [codes]Reason{
	unexpectedEnd:   UnexpectedEnd,
	notAValue:       NotAValue,
	notAName:        NotAName,
	notAColon:       NotAColon,
	notInObject:     NotInObject,
	notInArray:      NotInArray,
	tooDeep:         TooDeep,
	invalidUTF8:     InvalidUTF8,
	invalidEscape:   InvalidEscape,
	unescapedByte:   UnescapedByte,
	malformedNumber: MalformedNumber,
}

func problem(at int, c code) int { return ^(at<<codeBits | int(c)) }

// errorOf is the inverse of problem.
func errorOf(problem int) Error {
	return Error{Offset: ^problem >> codeBits, Reason: reasons[^problem&(1<<codeBits-1)]}
}
