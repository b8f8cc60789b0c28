//go:build !unix

package progress

// foreground: where there are no process groups, the console's keys reach all.
func foreground() bool { return true }
