package subscribe

import (
	"context"

	"hubline/internal/cli/eventstream"
)

// followSSE reads one event stream to its end and returns why it ended.
func (s *subscriber) followSSE(ctx context.Context, token string) error {
	ctx, dog, stop := newWatchdog(ctx, s.cfg.Silence)
	defer stop()
	resp, err := s.get(ctx, s.endpoint(), token, "text/event-stream")
	if err != nil {
		return cause(ctx, err)
	}
	defer resp.Body.Close()
	s.accepted()
	stream := eventstream.NewReader(dog.reader(resp.Body), s.cfg.MaxEventBytes)
	for {
		block, err := stream.Next()
		if err != nil {
			return cause(ctx, err)
		}
		if block.Data != nil {
			if err := s.message(block.Data); err != nil {
				return err
			}
		}
		// After the message: had handling it failed, it would be asked for again.
		if block.HasID {
			s.position.keep(block.ID)
		}
	}
}
