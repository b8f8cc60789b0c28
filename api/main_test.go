package api

import (
	"os"
	"testing"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Main(m, func() {
		if !everyProblemWasReached() {
			os.Exit(1)
		}
	})
}
