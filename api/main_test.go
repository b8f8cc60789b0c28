package api

import (
	"testing"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
