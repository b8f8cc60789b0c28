// Package jsonscan reads JSON text in place: it checks the text and finds where
// values begin and end, and allocates nothing. It is for hot paths that pass
// values on byte for byte and look at few of them; elsewhere encoding/json does.
//
// There are two ways in. A [Scanner] walks through a whole text and says what is
// wrong with it and where. The functions and the methods of [Mode] that are
// named Skip take an index into the text and return the index behind what they
// have read, or -1: they are for readers that keep their own place. The same
// code does the work for both.
//
// A Scanner accepts exactly the texts of RFC 8259 in UTF-8: what json.Valid
// accepts, without invalid UTF-8 inside strings and without nesting beyond a
// limit of the caller's. So does [Strict]; [Lenient] takes any bytes in strings,
// as json.Valid does. Names are compared by the text that they stand for, with
// regard to case; what to do with one that comes twice is the caller's business.
//
// What a Scanner returns are parts of the text that it was given. Whoever
// keeps one keeps all of that text alive, and must not keep it at all when the
// text's memory is used again.
package jsonscan
