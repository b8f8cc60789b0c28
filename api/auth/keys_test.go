package auth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestKeysFile(t *testing.T) {
	file := "\ufeff# keys of the backup service\r\n" +
		"\r\n" +
		"  backend\tpublish,read " + HashKey("k1") + "  # since May\r\n" +
		"admin admin " + strings.ToUpper(HashKey("k2")[len(hashPrefix):]) + "\n"
	file = strings.Replace(file, "admin admin ", "admin admin sha256:", 1)
	keys, err := ParseKeys(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if keys.Len() != 2 {
		t.Errorf("%d keys, want 2", keys.Len())
	}
	want := &Identity{KeyName: "backend", Scopes: ScopePublish | ScopeRead}
	got, ok := keys.Lookup("k1")
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("k1: %v (-want +got):\n%s", ok, diff)
	}
	if id, ok := keys.Lookup("k2"); !ok || id.KeyName != "admin" || id.Scopes != ScopeAdmin {
		t.Errorf("k2: %+v, %v", id, ok)
	}
	for _, key := range []string{"", "k3", "K1", "k1 ", HashKey("k1"), strings.Repeat("k", MaxTokenBytes+1)} {
		if id, ok := keys.Lookup(key); ok || id != nil {
			t.Errorf("%.20q opened as %+v", key, id)
		}
	}
}

func TestKeysFileErrorsNameTheLine(t *testing.T) {
	const plain = "hlk_PLAINTEXTKEY"
	file := strings.Join([]string{
		"good publish " + HashKey("a"),                      // 1
		plain,                                               // 2
		"name " + plain + " " + HashKey("b"),                // 3
		"name publish " + plain,                             // 4
		"name publish sha256:" + plain,                      // 5
		"name publish " + HashKey("c") + "00",               // 6
		"good read " + HashKey("d"),                         // 7
		"other read " + HashKey("a"),                        // 8
		"name , " + HashKey("e"),                            // 9
		strings.Repeat("n", 65) + " read " + HashKey("f"),   // 10
		"bad\xff read " + HashKey("g"),                      // 11
		"name publish " + HashKey("h") + " more",            // 12
		"name publish md5:d41d8cd98f00b204e9800998ecf8427e", // 13
	}, "\n")
	keys, err := ParseKeys(strings.NewReader(file))
	if err == nil || keys != nil {
		t.Fatalf("accepted: %v", keys)
	}
	for _, want := range []string{
		"line 2: want 3 words", "line 3: unknown scope", "line 4: the key is not hashed", "line 5: sha256: is not followed by 64",
		"line 6: sha256: is not followed", "line 7: the same name as in line 1", "line 8: the same key as in line 1", "line 9: a key without scopes",
		"line 10: the name", "line 11: the name", "line 12: want 3 words", "line 13: the key is not hashed",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q", want)
		}
	}
	if strings.Contains(err.Error(), "PLAINTEXT") || strings.Contains(err.Error(), "line 1:") {
		t.Errorf("errors:\n%v", err)
	}
}

func TestKeysFileBounds(t *testing.T) {
	if _, err := ParseKeys(strings.NewReader(strings.Repeat("#", maxKeysFileBytes))); err != nil {
		t.Errorf("largest file: %v", err)
	}
	if _, err := ParseKeys(strings.NewReader(strings.Repeat("#", maxKeysFileBytes+1))); err == nil {
		t.Error("a larger file was accepted")
	}
	_, err := ParseKeys(strings.NewReader(strings.Repeat("x\n", 1000)))
	if err == nil || strings.Count(err.Error(), "\n") != maxKeyProblems {
		t.Errorf("a file of nonsense makes a report of %d bytes", len(fmt.Sprint(err)))
	}
	broken := errors.New("disk on fire")
	if _, err := ParseKeys(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
}

func TestNoKeys(t *testing.T) {
	empty, err := ParseKeys(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range []*Keys{nil, {}, empty} {
		if _, ok := keys.Lookup("x"); ok || keys.Len() != 0 {
			t.Error("a set without keys opened")
		}
	}
}

// The first set that has the key counts; sets that are none are passed over.
func TestLookupKeyInSeveralSets(t *testing.T) {
	var first, second Keys
	both, later := NewKey(), NewKey()
	for _, add := range []struct {
		to        *Keys
		name, key string
	}{{&first, "a", both}, {&second, "b", both}, {&second, "c", later}} {
		if err := add.to.Add(add.name, ScopeRead, HashKey(add.key)); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]string{both: "a", later: "c", NewKey(): "", "": ""} {
		got := ""
		if id, ok := LookupKey(key, nil, &first, &Keys{}, &second); ok {
			got = id.KeyName
		}
		if got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

func TestAddedKey(t *testing.T) {
	var keys Keys
	key := NewKey()
	if err := keys.Add("local", ScopeAdmin, HashKey(key)); err != nil {
		t.Fatal(err)
	}
	if id, ok := keys.Lookup(key); !ok || id.KeyName != "local" || id.User != "" {
		t.Errorf("%+v, %v", id, ok)
	}
	if err := keys.Add("local", ScopeAdmin, HashKey("x")); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("second of the name: %v", err)
	}
}

func TestNewKeyAndHash(t *testing.T) {
	a, b := NewKey(), NewKey()
	if a == b || !strings.HasPrefix(a, "hlk_") || len(a) < 4+26 {
		t.Errorf("keys %q and %q", a, b)
	}
	// printf %s abc | sha256sum
	if got, want := HashKey("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("HashKey = %s, want %s", got, want)
	}
}

func TestDigestOfLongText(t *testing.T) {
	// FIPS 180 test vector: a million times "a"; pieces must not matter.
	if got, want := HashKey(strings.Repeat("a", 1_000_000)), "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"; got != want {
		t.Errorf("HashKey = %s, want %s", got, want)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var keys Keys
	key := NewKey()
	if err := keys.Add("local", ScopeAdmin, HashKey(key)); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { keys.Lookup(key) }); n != 0 {
		t.Errorf("%v allocations per lookup, want 0", n)
	}
}
