package signalr

// Protocol is the name of the hub protocol that the client has chosen, "json" or
// "messagepack"; empty before the handshake. It may be called concurrently.
func (s *Session) Protocol() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.codec == nil {
		return ""
	}
	return s.codec.Name()
}
