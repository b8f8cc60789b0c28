package signalr

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The numbers in Config's comments, and so in the documentation.
func TestDefaults(t *testing.T) {
	got := Config{}.withDefaults()
	if got.Logger == nil {
		t.Error("no logger")
	}
	got.Logger, got.Envelopes = nil, Envelopes{}
	want := Config{
		HandshakeTimeout: 15 * time.Second, KeepAliveInterval: 15 * time.Second, ClientTimeout: 30 * time.Second,
		MaxMessageBytes: 32_768, MaxQueuedCalls: 16, MaxQueuedBytes: 65_536, MaxRunningBytes: 262_144,
		MaxHold: 0, MaxWaitingBytes: 65_536, MaxOutboxBytes: 1_048_576, MaxParallelCalls: 1, MaxStreams: 64, StreamBuffer: 10,
		StatefulBytes: 100_000, StatefulMessages: 1_000,
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Envelopes" }, cmp.Ignore())); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if n := (Config{MaxMessageBytes: 1 << 20}).withDefaults().MaxRunningBytes; n != 8<<20 {
		t.Errorf("MaxRunningBytes is %d for messages of 1 MiB", n)
	}
	want.MaxStreams, want.StreamBuffer, want.MaxHold = 1, 2, time.Second // what is set stays
	if diff := want.withDefaults(); diff.MaxStreams != 1 || diff.StreamBuffer != 2 || diff.MaxHold != time.Second {
		t.Errorf("became %+v", diff)
	}
}
