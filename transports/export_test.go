package transports

// Remember lists c for good, as it looks to a request that has just found it.
func (s *Server) Remember(c *Connection) {
	h := s.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[string([]byte(c.token))] = c
}
