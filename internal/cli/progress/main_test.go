package progress

import (
	"os"
	"os/signal"
	"testing"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) {
	// The first Notify starts a goroutine of os/signal that stays.
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
	leaktest.Main(m)
}
