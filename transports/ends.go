package transports

import "sync/atomic"

// reasons lists those for which a connection ends that somebody has used.
var reasons = [...]Reason{
	ReasonClientClosed, ReasonLost, ReasonDone, ReasonDrain, ReasonExpired, ReasonRevoked, ReasonDisconnected, ReasonReplaced, ReasonSlow,
	ReasonTimeout, ReasonHandshake, ReasonProtocolError, ReasonTooLarge, ReasonInternal,
}

// End is how many connections ended for one reason.
type End struct {
	Transport Transport
	Reason    Reason
	Count     uint64
}

// ends counts them, by the places in All and reasons.
type ends [3][len(reasons)]atomic.Uint64

func (e *ends) count(t Transport, r Reason) {
	for i, known := range All() {
		for j := range reasons {
			if t == known && r == reasons[j] {
				e[i][j].Add(1)
				return
			}
		}
	}
}

// Ends tells how many of the connections that had a session have ended, for every
// transport and reason.
func (s *Server) Ends() []End {
	var list []End
	for i, t := range All() {
		for j, r := range reasons {
			list = append(list, End{t, r, s.ends[i][j].Load()})
		}
	}
	return list
}
