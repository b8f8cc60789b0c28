//go:build race

package app

// raceDetector changes what memory is taken, and takes many times as long.
const raceDetector = true
