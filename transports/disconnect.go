package transports

import "unicode/utf8"

// maxWords is how long an administrator's last words to a client may be, in bytes:
// what a WebSocket's close frame holds besides its code (RFC 6455, section 5.5).
const maxWords = 123

// Disconnect ends the connection for an administrator: the session says goodbye in
// its own way, with ReasonDisconnected and the words, of which more than 123 bytes are
// cut off at a rune's edge. It reports false if the connection has ended already.
func (c *Connection) Disconnect(words string) bool {
	if !c.server.speak(c, cutWords(words)) {
		return false
	}
	c.Leave(ReasonDisconnected)
	return true
}

// cutWords cuts s to maxWords without splitting a rune.
func cutWords(s string) string {
	if len(s) <= maxWords {
		return s
	}
	n := maxWords
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// speak keeps the last words for a live connection: beside the registry, since few
// connections ever have any. The first ones count.
func (g *registry) speak(c *Connection, words string) bool {
	h := g.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, live := h.live[c]; !live {
		return false
	}
	if _, said := h.words[c]; !said {
		if h.words == nil {
			h.words = make(map[*Connection]string)
		}
		h.words[c] = words
	}
	return true
}

// Words are what an administrator has given Disconnect to say; else empty.
func (c *Connection) Words() string {
	h := c.server.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.words[c]
}

// WordsOf are the last words for a client that ends for ReasonDisconnected.
func WordsOf(c Conn) string {
	if w, ok := c.(interface{ Words() string }); ok {
		return w.Words()
	}
	return ""
}

// Scope is the endpoint that the connection belongs to.
func (c *Connection) Scope() string { return c.scope }
