package replay

// SinceKind says how a client names the position it wants events after.
type SinceKind uint8

const (
	SinceLatest SinceKind = iota // only what comes from now on
	SinceAll                     // everything that is kept
	SinceCursor                  // after Since.Cursor
	SinceDevice                  // after the device's saved cursor; the caller resolves it
)

// Since is the position a client asks for. The zero value is "latest".
type Since struct {
	Kind   SinceKind
	Cursor Cursor // only with SinceCursor
}

// ParseSince reads the "since" of a request (contract section 3): "" and "latest",
// "0" for all that is kept, "device", or a cursor. "k7q2-0" is a cursor: it asks
// for the whole of that epoch and is told what is missing, where "0" asks for no
// more than there is. Every error wraps [ErrCursor].
func ParseSince(s string) (Since, error) {
	switch s {
	case "", "latest":
		return Since{}, nil
	case "0":
		return Since{Kind: SinceAll}, nil
	case "device":
		return Since{Kind: SinceDevice}, nil
	}
	c, err := ParseCursor(s)
	if err != nil {
		return Since{}, err
	}
	return Since{Kind: SinceCursor, Cursor: c}, nil
}

// String returns what ParseSince reads back.
func (s Since) String() string {
	switch s.Kind {
	case SinceAll:
		return "0"
	case SinceCursor:
		return s.Cursor.String()
	case SinceDevice:
		return "device"
	default:
		return "latest"
	}
}
