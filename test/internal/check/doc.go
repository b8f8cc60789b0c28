// Package check judges what clients saw against what publishers were promised. It
// is the oracle of the randomized tests: it is told every acknowledged publish and
// every message of every client, in the order in which the client read them, and
// returns each way in which the contract was broken.
//
// The promise: in the log of a user the seqs of an epoch are 1, 2, 3, … in an order
// that no publisher can contradict; a client that resumes from a cursor is given
// every later event that is meant for it, once, in order, byte for byte; what can
// no longer be given is announced with its exact range in its place; and
// "recovered" is said only when nothing is missing.
package check
