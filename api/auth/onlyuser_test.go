package auth

import "testing"

func TestAKeyMayBeForOneUser(t *testing.T) {
	var keys Keys
	if err := keys.AddForUser("one", ScopeRead, HashKey("hlk_one"), "anna"); err != nil {
		t.Fatal(err)
	}
	if err := keys.Add("all", ScopeRead, HashKey("hlk_all")); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"", "a\nb"} {
		if err := keys.AddForUser("bad", ScopeRead, HashKey("hlk_bad"), user); err == nil {
			t.Errorf("the user %q is taken", user)
		}
	}
	if _, ok := keys.Lookup("hlk_bad"); ok {
		t.Error("a refused key is known")
	}
	if err := keys.AddForUser("one", ScopeRead, HashKey("hlk_other"), "bert"); err == nil {
		t.Error("a name is given twice")
	}
	for key, want := range map[string]string{"hlk_one": "anna", "hlk_all": ""} {
		id, ok := keys.Lookup(key)
		if !ok {
			t.Fatalf("%s is not known", key)
		}
		if user, only := id.OnlyFor(); user != want || only != (want != "") {
			t.Errorf("%s is for %q, %v", key, user, only)
		}
	}
	if _, only := (&Identity{User: "anna", Scopes: ScopeRead}).OnlyFor(); only {
		t.Error("a token with scopes is for one user alone")
	}
}
