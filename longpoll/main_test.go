package longpoll

import (
	"testing"

	"hubline/transports/xtest"
)

func TestMain(m *testing.M) { xtest.Main(m) }
