package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// staticFiles is what the console serves. Tests and package.json lie beside
// static/, not in it, so they are never embedded.
//
//go:embed static
var staticFiles embed.FS

// asset is one embedded file as it is served.
type asset struct {
	body        []byte
	contentType string
	etag        string // strong, quoted, from the content alone
}

// contentTypes is fixed here because mime.TypeByExtension reads the host's tables,
// and a browser refuses a module served as text/plain.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// loadAssets maps the path below the base path to its file; "" is the page itself.
// It panics on a file of unknown type: the set is fixed when the program is built,
// and a test loads it.
func loadAssets() map[string]asset {
	assets := make(map[string]asset)
	err := fs.WalkDir(staticFiles, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: no content type for this extension", name)
		}
		body, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		urlPath := strings.TrimPrefix(name, "static/")
		if urlPath == "index.html" {
			urlPath = ""
		}
		assets[urlPath] = asset{
			body:        body,
			contentType: contentType,
			etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
		}
		return nil
	})
	if err != nil {
		panic("web: load embedded console: " + err.Error())
	}
	return assets
}
