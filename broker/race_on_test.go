//go:build race

package broker

// raceDetector changes what is allocated: sync.Pool drops things at random.
const raceDetector = true
