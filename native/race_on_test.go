//go:build race

package native

// raceDetector changes what is allocated: sync.Pool drops things at random.
const raceDetector = true
