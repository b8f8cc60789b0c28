package config

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDataDirIsPrivateAndSurvivesRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	first, err := OpenDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, SigningSecretName: 0o600, APIKeyName: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %04o, want %04o", name, got, want)
		}
	}
	second, err := OpenDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("secrets changed over a restart (-first +second):\n%s", diff)
	}
	if len(first.SigningSecret) != 64 || !strings.HasPrefix(first.APIKey, "hlk_") || len(first.APIKey) != 30 {
		t.Errorf("secret of %d bytes, key of %d bytes", len(first.SigningSecret), len(first.APIKey))
	}
	if secret, err := ReadSigningSecret(dir); err != nil || string(secret) != string(first.SigningSecret) {
		t.Errorf("ReadSigningSecret: %v", err)
	}
	if key, err := ReadAPIKey(dir); err != nil || key != first.APIKey {
		t.Errorf("ReadAPIKey: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("data directory holds %v, want the two secrets only", entries)
	}
}

func TestSecretsAreNotReused(t *testing.T) {
	a, b := NewSecrets(), NewSecrets()
	if string(a.SigningSecret) == string(b.SigningSecret) || a.APIKey == b.APIKey {
		t.Error("two sets of secrets are the same")
	}
}

func TestConcurrentStartsAgreeOnOneSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	got := make([]Secrets, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			var err error
			if got[i], err = OpenDataDir(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, secrets := range got[1:] {
		if diff := cmp.Diff(got[0], secrets); diff != "" {
			t.Errorf("secrets differ (-first +other):\n%s", diff)
		}
	}
}

func TestDataDirRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"group can read", "key\n", 0o640, "chmod 600 "},
		{"others can read", "key\n", 0o604, "mode 0604"},
		{"empty", "", 0o600, "is empty"},
		{"only a line end", "\n", 0o600, "is empty"},
		{"two lines", "a\nb\n", 0o600, "more than one line"},
		{"too long", strings.Repeat("x", maxSecretBytes) + "\n", 0o600, "longer than 4096 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := privateDir(t)
			path := filepath.Join(dir, APIKeyName)
			if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			for _, open := range []func(string) error{
				func(dir string) error { _, err := OpenDataDir(dir); return err },
				func(dir string) error { _, err := ReadAPIKey(dir); return err },
			} {
				err := open(dir)
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("error = %v, want %q about %s", err, tt.want, path)
				}
			}
			if got, _ := os.ReadFile(path); string(got) != tt.text {
				t.Error("the refused file was changed")
			}
		})
	}
}

// privateDir is a temporary directory whose mode does not follow the umask.
func privateDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Who can write to the directory can put another secret there, and sign with it.
func TestDataDirOfOthersIsRefused(t *testing.T) {
	for mode, ok := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o750: true, 0o770: false, 0o707: false, 0o777: false, 0o720: false, 0o702: false} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenDataDir(dir)
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "chmod 700 "+dir) {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if entries, _ := os.ReadDir(dir); !ok && len(entries) > 0 {
			t.Errorf("mode %04o: %v was made in it", mode, entries)
		}
	}
	for _, tt := range []struct {
		owner, us int
		want      bool
	}{{1000, 1000, false}, {0, 1000, false}, {1001, 1000, true}, {1000, 0, false}, {0, 0, false}} {
		if got := foreign(tt.owner, tt.us); got != tt.want {
			t.Errorf("foreign(%d, %d) = %v", tt.owner, tt.us, got)
		}
	}
	info, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if owner, ok := ownerOf(info); ok && owner != os.Geteuid() {
		t.Errorf("a directory of ours belongs to %d, and we are %d", owner, os.Geteuid())
	}
}

func TestCheckDataDirChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := CheckDataDir(dir); err != nil {
		t.Errorf("a directory that is still to be made: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("it was made: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := CheckDataDir(dir); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	for _, name := range []string{SigningSecretName, APIKeyName} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(Problems(CheckDataDir(dir))); got != 2 {
		t.Errorf("%d problems with two empty files", got)
	}
}

func TestDataDirErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDataDir(file); err == nil {
		t.Error("a file was taken for a data directory")
	}
	if _, err := ReadAPIKey(filepath.Join(dir, "absent")); !os.IsNotExist(err) && err == nil {
		t.Errorf("ReadAPIKey in an absent directory: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, APIKeyName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAPIKey(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory in place of the key: %v", err)
	}
}

func TestReadSecretFile(t *testing.T) {
	for _, tt := range []struct {
		name, text, want, problem string
	}{
		{"line", strings.Repeat("a", 32) + "\n", strings.Repeat("a", 32), ""},
		{"windows line", strings.Repeat("a", 32) + "\r\n", strings.Repeat("a", 32), ""},
		{"no line end", strings.Repeat("a", 32), strings.Repeat("a", 32), ""},
		{"inner spaces", strings.Repeat(" a", 16), strings.Repeat(" a", 16), ""},
		{"longest", strings.Repeat("a", maxSecretBytes), strings.Repeat("a", maxSecretBytes), ""},
		{"longer", strings.Repeat("a", maxSecretBytes+1), "", "longer than"},
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecretFile(path)
		if string(got) != tt.want || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: got %d bytes, %v", tt.name, len(got), err)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for path, want := range map[string]string{
		"./hubline-data/api-key": "./hubline-data/api-key",
		"my data/api-key":        "'my data/api-key'",
		"it's":                   `'it'\''s'`,
	} {
		if got := shellQuote(path); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", path, got, want)
		}
	}
}
