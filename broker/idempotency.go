package broker

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"hubline/replay"
)

// broadcastScope stands for "everybody" where a user's name is expected. No
// user can be called so: names have no control characters.
const broadcastScope = "\x00broadcast"

// keyring remembers receipts by user and key, the least recently used
// forgotten first. It is used with its shard's lock held.
type keyring struct{ lru *simplelru.LRU[keyID, keyed] }

type keyID struct{ user, name string }

type keyed struct {
	digest  [16]byte
	receipt Receipt
}

func newKeyring(size int) *keyring {
	l, err := simplelru.NewLRU[keyID, keyed](size, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &keyring{lru: l}
}

func (k *keyring) find(user string, key Key) (Receipt, bool, error) {
	v, ok := k.lru.Get(keyID{user, key.Name})
	if !ok {
		return Receipt{}, false, nil
	}
	if v.digest != key.Digest {
		return Receipt{}, false, ErrConflict
	}
	r := v.receipt
	r.Duplicate = true
	return r, true, nil
}

func (k *keyring) remember(user string, key Key, r Receipt) {
	k.lru.Add(keyID{user, key.Name}, keyed{digest: key.Digest, receipt: r})
}

// idKey is the key of an event whose id the publisher chose. The prefix keeps
// ids and header keys apart.
func idKey(ev *replay.Event) Key {
	return Key{Name: "\x00id:" + ev.ID, Digest: contentDigest(ev)}
}

// contentDigest covers what the publisher chose, not what we added.
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
