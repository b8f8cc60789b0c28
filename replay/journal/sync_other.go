//go:build !linux

package journal

import "os"

// dataSync is fsync, on macOS with F_FULLFSYNC.
func dataSync(f *os.File) error { return f.Sync() }
