package jsonscan

// Kind is what a value is.
type Kind uint8

// The kinds. None is that of no value at all.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// KindOf returns the kind of a value that a Scanner has returned.
func KindOf(value []byte) Kind {
	if len(value) == 0 {
		return None
	}
	switch value[0] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	}
	return Number
}
