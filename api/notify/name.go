package notify

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of names, in bytes.
const (
	maxUserBytes    = 256
	maxDeviceBytes  = 128
	maxChannelBytes = 164
)

var (
	errUser    = errors.New("a user's name is 1 to 256 bytes of UTF-8 without control characters")
	errDevice  = errors.New("a device's name is 1 to 128 bytes of UTF-8 without control characters")
	errChannel = errors.New("a channel's name is 1 to 164 characters, each one of A-Z, a-z, 0-9 or _-=@,.;: and no other")
)

// Names are looked at here too: an empty one makes another path, and a wrong one among
// the users of a batch has all of them refused.

func checkUser(name string) error {
	if !usable(name, maxUserBytes) {
		return errUser
	}
	return nil
}

// checkDevice lets the empty name pass, which is none.
func checkDevice(name string) error {
	if name != "" && !usable(name, maxDeviceBytes) {
		return errDevice
	}
	return nil
}

func checkChannel(name string) error {
	if name == "" || len(name) > maxChannelBytes {
		return errChannel
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("_-=@,.;:", c) >= 0:
		default:
			return errChannel
		}
	}
	return nil
}

// usable is what the server takes for a name.
func usable(name string, limit int) bool {
	if name == "" || len(name) > limit {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r == utf8.RuneError || r == '\u2028' || r == '\u2029' || unicode.IsControl(r)
	})
}
