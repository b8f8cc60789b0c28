package auth

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hubline/internal/jsonscan"
)

// maxUnixSeconds is the last second of the year 9999. Dates beyond it are
// nonsense and would overflow arithmetic with time.Duration further on.
const maxUnixSeconds = 253402300799

// rawClaims holds the JSON text of the claims we know. Nil means absent.
type rawClaims struct {
	sub, device, did, iss, jti, scope, channels, aud, exp, nbf, iat []byte
}

// set keeps the value of a known claim. Of a name that comes twice the last
// value counts (RFC 7519, section 4); null is the same as absent.
func (r *rawClaims) set(name, value []byte) {
	if string(value) == "null" {
		value = nil
	}
	switch string(name) {
	case "sub":
		r.sub = value
	case "device":
		r.device = value
	case "did":
		r.did = value
	case "iss":
		r.iss = value
	case "jti":
		r.jti = value
	case "scope":
		r.scope = value
	case "channels":
		r.channels = value
	case "aud":
		r.aud = value
	case "exp":
		r.exp = value
	case "nbf":
		r.nbf = value
	case "iat":
		r.iat = value
	}
}

// members iterates over names and values of a JSON object that encoding/json
// has found valid. Decoding it into a map would copy every claim of a token, of
// which foreign issuers send many, to look at a few; decoding it into a struct
// would match names without regard to case. The slices are parts of data, save
// for names with escapes.
func members(data []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := jsonscan.SkipSpace(data, 1)
		for done := data[i] == '}'; !done; {
			end, from := jsonscan.Lenient.SkipName(data, i)
			to := jsonscan.SkipValid(data, from)
			if !yield(unquote(data[i:end]), data[from:to]) {
				return
			}
			i, done = jsonscan.SkipComma(data, to, '}')
		}
	}
}

// unquote returns the text of a JSON string. Without escapes, bytes that are not
// UTF-8 stay, and make the text unusable; with them, encoding/json mends each.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return []byte(s)
}

// claimDecoder reads the text of claims and keeps the first problem. An absent
// claim is not a problem.
type claimDecoder struct {
	err error
}

func (d *claimDecoder) fail(problem error) {
	if d.err == nil {
		d.err = problem
	}
}

// text returns a string claim; absent and empty are the same.
func (d *claimDecoder) text(raw []byte, limit int, problem error) string {
	if raw == nil {
		return ""
	}
	if raw[0] != '"' {
		d.fail(problem)
		return ""
	}
	s := string(unquote(raw))
	if s != "" && !Usable(s, limit) {
		d.fail(problem)
		return ""
	}
	return s
}

// list returns a claim that is a string or a list of strings (RFC 7519, section 4.1.3).
func (d *claimDecoder) list(raw []byte, problem error) []string {
	if raw == nil {
		return nil
	}
	if raw[0] == '"' {
		return []string{string(unquote(raw))}
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		d.fail(problem)
		return nil
	}
	return list
}

func (d *claimDecoder) scopes(raw []byte) Scope {
	var scopes Scope
	for _, words := range d.list(raw, invalidError("claim scope is neither a string nor a list of strings")) {
		scopes |= scopesIn(words)
	}
	return scopes
}

func (d *claimDecoder) channels(raw []byte) []string {
	if raw == nil {
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		d.fail(invalidError("claim channels is not a list of strings"))
		return nil
	}
	if len(list) == 0 {
		return nil
	}
	if len(list) > MaxChannels {
		d.fail(invalidError("claim channels has more than 256 names"))
		return nil
	}
	for _, name := range list {
		if !Usable(name, MaxChannelBytes) {
			d.fail(invalidError("claim channels has an unusable name"))
			return nil
		}
	}
	// The decoder grows a list in steps; what is kept has no spare room.
	return append(make([]string, 0, len(list)), list...)
}

// date returns a NumericDate (RFC 7519, section 2), which may have a fraction.
func (d *claimDecoder) date(raw []byte, problem error) *jwt.NumericDate {
	if raw == nil {
		return nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > maxUnixSeconds {
		d.fail(problem)
		return nil
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9)).UTC()}
}
