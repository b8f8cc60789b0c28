package auth

import (
	"fmt"
	"strings"
)

// AddForUser is Add for a key that is for one user's log and connections alone
// (see [Identity.OnlyFor]).
func (k *Keys) AddForUser(name string, scopes Scope, hash, user string) error {
	if !Usable(user, MaxUserBytes) {
		return fmt.Errorf("the user is not 1 to %d bytes of text", MaxUserBytes)
	}
	if err := k.Add(name, scopes, hash); err != nil {
		return err
	}
	k.byName[name].identity.User = strings.Clone(user)
	return nil
}
