package api

import (
	"strconv"
	"time"

	"hubline/api/auth"
	"hubline/internal/jsonscan"
)

// maxRevokeBytes bounds the body of a revocation.
const maxRevokeBytes = 8 << 10

var (
	errRevokeWhom     = badRequest(`The body names "user", "jti" or "issuedBefore": alone, "issuedBefore" means everybody's tokens.`)
	errRevokeUser     = badRequest(`"user" must be a user's name, 1 to 256 bytes of UTF-8 without control characters.`)
	errRevokeToken    = badRequest(`"jti" must be a token's id, 1 to 256 bytes of UTF-8 without control characters.`)
	errRevokeBefore   = badRequest(`"issuedBefore" must be a time in Unix milliseconds.`)
	errNoRevokeMember = badRequest("The body has a member that this call does not know. It knows user, jti and issuedBefore.")
)

// scanRevoke reads the body. Who names a user and no time means the tokens issued so far: up
// to the end of this second, since tokens say the second of their issue.
func scanRevoke(text []byte, now time.Time) (v auth.Revocation, err error) {
	var user, jti, before []byte
	err = scanMembers(text, errNoRevokeMember,
		bodyMember{"user", &user}, bodyMember{"jti", &jti}, bodyMember{"issuedBefore", &before})
	if err != nil {
		return v, err
	}
	switch {
	case jsonscan.KindOf(user) == jsonscan.Null:
		return v, errRevokeUser // a caller without a user does not mean everybody
	case jsonscan.KindOf(jti) == jsonscan.Null:
		return v, errRevokeToken
	}
	if v.User, err = optionalName(user, auth.MaxUserBytes, errRevokeUser); err != nil {
		return v, err
	}
	if v.TokenID, err = optionalName(jti, auth.MaxTokenIDBytes, errRevokeToken); err != nil {
		return v, err
	}
	switch jsonscan.KindOf(before) {
	case jsonscan.None, jsonscan.Null:
		if v.User == "" && v.TokenID == "" {
			return v, errRevokeWhom
		}
		if v.TokenID == "" {
			v.Before = now.Truncate(time.Second).Add(time.Second)
		}
		return v, nil
	case jsonscan.Number:
		ms, err := strconv.ParseInt(string(before), 10, 64)
		if err == nil && ms > 0 && ms < maxTime {
			v.Before = time.UnixMilli(ms)
			return v, nil
		}
	}
	return v, errRevokeBefore
}

// maxTime is the year 10000, in Unix milliseconds.
const maxTime = 253402300800000

// optionalName reads a name; none and null are empty, an empty text is an error.
func optionalName(value []byte, limit int, wrong error) (string, error) {
	switch jsonscan.KindOf(value) {
	case jsonscan.None, jsonscan.Null:
		return "", nil
	case jsonscan.String:
		if len(value) <= longestQuoted(limit) {
			if name := string(jsonscan.AppendText(nil, value)); auth.Usable(name, limit) {
				return name, nil
			}
		}
	}
	return "", wrong
}
