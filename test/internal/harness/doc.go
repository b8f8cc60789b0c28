// Package harness runs the real program for tests: it builds cmd/hubline once,
// starts it on a free loopback port with a temporary data directory, publishes to
// it, signs tokens with its secret, and stops it. Nothing in it knows the inside
// of the product.
//
// When a test ends, the server is stopped in order, and its output is searched for
// what must never stand there: secrets that the test used, panics, data races.
package harness
