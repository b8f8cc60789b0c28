package api

import "hubline/internal/jsonscan"

// bodyMember is a member of a JSON object, and where its value goes.
type bodyMember struct {
	name  string
	value *[]byte
}

// scanMembers reads a body that is an object with no other members than these; of two
// with the same name the later one counts. Unlike elsewhere a member that is not known is
// an error: without a misspelled one a call of an administrator would do more than was
// asked for. Values are parts of the text.
func scanMembers(text []byte, unknown error, members ...bodyMember) error {
	known := true
	s := jsonscan.New(text, 2)
	for ok := s.Object(); ok && s.Member(); {
		var scratch [16]byte
		name := string(jsonscan.Text(s.Name(), scratch[:]))
		value := s.Value()
		found := false
		for _, m := range members {
			if m.name == name {
				*m.value, found = value, true
			}
		}
		known = known && found
	}
	switch {
	case !s.End():
		return badJSON("body", s.Err())
	case !known:
		return unknown
	}
	return nil
}
