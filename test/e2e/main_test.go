// Package e2e tests the whole product as its users meet it: the real program, over
// the network, with clients that know nothing of its inside.
package e2e

import (
	"testing"

	"hubline/test/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
