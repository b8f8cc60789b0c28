package replay_test

import (
	"encoding/json"
	"fmt"
	"time"

	"hubline/replay"
)

// A client that saw the first event comes back after four more, of which the log
// kept three.
func Example() {
	store := replay.NewStore(replay.Config{MaxEvents: 3})
	var seen replay.Cursor
	for step := 1; step <= 5; step++ {
		cursor := store.Append("ann", &replay.Event{
			Type: "backup.progress",
			Data: json.RawMessage(fmt.Sprintf(`{"step":%d}`, step)),
			Time: time.Now().UnixMilli(),
		})
		if step == 1 {
			seen = cursor
		}
	}

	survey := store.Survey("ann", replay.Since{Kind: replay.SinceCursor, Cursor: seen}, nil)
	fmt.Println("recovered:", survey.Recovered, "to come:", survey.Matching)
	entries, _ := store.Read("ann", seen.Seq, make([]replay.Entry, 0, 100), 1<<20, nil)
	for _, e := range entries {
		if e.Lost != nil {
			fmt.Printf("lost %d to %d: %s\n", e.Lost.From, e.Lost.To, e.Lost.Reason)
			continue
		}
		fmt.Printf("%d %s %s\n", e.Seq, e.Event.Type, e.Event.Data)
	}
	// Output:
	// recovered: false to come: 3
	// lost 2 to 2: limit
	// 3 backup.progress {"step":3}
	// 4 backup.progress {"step":4}
	// 5 backup.progress {"step":5}
}
