// Package imports holds nothing but a test: which package may import which,
// and why. See docs/architecture.md for the picture.
package imports
