package broker

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"hubline/replay"
)

// Key makes a publish idempotent. The zero Key does not.
type Key struct {
	// Name is the publisher's key, unique per user, or among broadcasts. It
	// must not begin with a NUL.
	Name string
	// Digest of the content: the same key with another digest is ErrConflict.
	Digest [16]byte
}

// keyring remembers the answers to publishes by user and key, the least
// recently used forgotten first. It is not safe for concurrent use.
type keyring[R any] struct {
	lru *simplelru.LRU[keyID, keyed[R]]
}

type keyID struct{ user, name string }

type keyed[R any] struct {
	digest  [16]byte
	receipt R
}

func newKeyring[R any](size int) *keyring[R] {
	l, err := simplelru.NewLRU[keyID, keyed[R]](size, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &keyring[R]{lru: l}
}

// find returns what was answered for the key. It returns ErrConflict when that
// was for another content.
func (k *keyring[R]) find(user string, key Key) (r R, ok bool, err error) {
	if key.Name == "" {
		return r, false, nil
	}
	v, ok := k.lru.Get(keyID{user, key.Name})
	if ok && v.digest != key.Digest {
		return r, false, ErrConflict
	}
	return v.receipt, ok, nil
}

// remember keeps the answer for the key, unless that is the zero Key.
func (k *keyring[R]) remember(user string, key Key, r R) {
	if key.Name != "" {
		k.lru.Add(keyID{user, key.Name}, keyed[R]{digest: key.Digest, receipt: r})
	}
}

// idKey is the key of an event whose id the publisher chose, else the zero
// Key. The prefix keeps ids and the publishers' own keys apart. It hashes the
// event, so it is called before a lock is taken.
func idKey(ev *replay.Event) Key {
	if !ev.IDGiven {
		return Key{}
	}
	return Key{Name: "\x00id:" + ev.ID, Digest: contentDigest(ev)}
}

// contentDigest covers what the publisher chose, not what we added. It must
// cover what sameContent compares.
func contentDigest(ev *replay.Event) (d [16]byte) {
	h := sha256.New()
	var n [8]byte
	for _, s := range [...]string{ev.ID, ev.Type, ev.Channel, ev.Device, ev.ExceptDevice, ev.ContextID} {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for _, s := range [...][]byte{ev.Data, ev.Arguments} {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write(s)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// sameContent is the comparison of contentDigest without hashing.
func sameContent(a, b *replay.Event) bool {
	return a.ID == b.ID && a.Type == b.Type && a.Channel == b.Channel && a.Device == b.Device &&
		a.ExceptDevice == b.ExceptDevice && a.ContextID == b.ContextID &&
		bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Arguments, b.Arguments)
}
