package transports

// Remember lists c for good, as it looks to a request that has just found it.
func (s *Server) Remember(c *Connection) {
	h := s.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[string([]byte(c.token))] = c
}

// CutWords is for tests.
var CutWords = cutWords

// WordsHeld is how many connections have last words.
func (s *Server) WordsHeld() (n int) {
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		n += len(h.words)
		h.mu.Unlock()
	}
	return n
}
