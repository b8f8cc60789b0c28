package broker

import (
	"slices"
	"sync"
)

// NoticeKind is what a notice tells.
type NoticeKind uint8

// The kinds of notices.
const (
	// MemberJoined: the user is in the channel from now on.
	MemberJoined NoticeKind = iota
	// MemberLeft: the user is no longer in the channel.
	MemberLeft
	// MembersChanged: who is in the channel, or without a channel in all of them, has
	// changed in more ways than could wait, and has to be looked up.
	MembersChanged
)

// Notice tells of a presence channel's members. It is not in any log and has no seq. It
// is shared by connections, encoded at most once per form, and safe for concurrent use.
type Notice struct {
	Kind    NoticeKind
	Channel string
	User    string

	mu    sync.Mutex
	forms [noticeForms]any
}

// noticeForms: only forms without an event's meta data are notices' too.
const noticeForms = FormHubMessagePack + 1

// Form returns the notice in form f, one of FormNative, FormHubJSON and
// FormHubMessagePack, made by encode at first use. What that returns must be immutable
// and not nil.
func (n *Notice) Form(f Form, encode func(*Notice) any) any {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.forms[f] == nil {
		n.forms[f] = encode(n)
	}
	return n.forms[f]
}

// size is about what it takes on the wire, in bytes.
func (n *Notice) size() int { return 96 + len(n.Channel) + len(n.User) }

// maxNotices bounds those that wait for one connection.
const maxNotices = 256

// waitingNotice is a notice of a channel; nil: of all. A channel is the same one as long
// as the connection's user is a member.
type waitingNotice struct {
	notice  *Notice
	channel *gathering
}

// covers reports that the notice has the channel looked up anyway.
func (w *waitingNotice) covers(g *gathering) bool {
	return w.channel == nil || w.channel == g && w.notice.Kind == MembersChanged
}

// about reports that the notice is of the user in the channel.
func (w *waitingNotice) about(g *gathering, user string) bool {
	return w.channel == g && w.notice.Kind != MembersChanged && w.notice.User == user
}

// tell puts a notice behind those that wait; the shard's lock is held. Of one user and
// channel two wait at most: a third says what the first did, so that it takes the second
// away. One alone has to stay, for the client may have seen the opposite in a list. It
// returns how many notices have given way to one that says that the members have changed.
func (s *Subscription) tell(g *gathering, n *Notice) (dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0
	}
	b := s.besideLocked()
	waiting, last := 0, 0
	for i := range b.notices {
		switch w := &b.notices[i]; {
		case w.covers(g):
			return 1
		case w.about(g, n.User):
			waiting, last = waiting+1, i
		}
	}
	switch {
	case waiting == 2:
		b.notices = slices.Delete(b.notices, last, last+1)
	case len(b.notices) < s.u.shard.broker.maxNotices:
		b.notices = append(b.notices, waitingNotice{n, g})
	default:
		return b.merge(g)
	}
	return 0
}

// merge makes room: one notice stands for all of a channel or, if that is not enough, for
// all.
func (b *beside) merge(g *gathering) (dropped int) {
	before := len(b.notices)
	if b.dropOf(g); len(b.notices) == before {
		b.notices = []waitingNotice{changedIn(nil)}
		return before + 1
	}
	b.notices = append(b.notices, changedIn(g))
	return before - len(b.notices) + 2
}

func changedIn(g *gathering) waitingNotice {
	n := &Notice{Kind: MembersChanged}
	if g != nil {
		n.Channel = g.name
	}
	return waitingNotice{notice: n, channel: g}
}

// forget takes away what waits of a channel of which the connection's user is no longer
// a member. It reports true when the client has not even heard that the user was.
func (s *Subscription) forget(own *seat) (unheard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.beside
	if b == nil {
		return false
	}
	i := slices.IndexFunc(b.notices, func(w waitingNotice) bool { return w.about(own.channel, own.attendee.name) })
	unheard = i >= 0 && b.notices[i].notice.Kind == MemberJoined
	b.dropOf(own.channel)
	s.tidyLocked()
	return unheard
}

func (b *beside) dropOf(g *gathering) {
	b.notices = slices.DeleteFunc(b.notices, func(w waitingNotice) bool { return w.channel == g })
}

// nextNotice is the notice that waits longest, or nil; s.mu is held.
func (s *Subscription) nextNotice() *Notice {
	if s.beside == nil || len(s.beside.notices) == 0 {
		return nil
	}
	return s.beside.notices[0].notice
}

// popNotice removes the notice that waits longest, of which there is one; s.mu is held.
func (s *Subscription) popNotice() {
	b := s.beside
	b.notices[0] = waitingNotice{} // it must not outlive its delivery
	b.notices = b.notices[1:]
	s.tidyLocked()
}
