package native

import (
	"hubline/broker"
)

// Types of the control messages of presence channels. They name the channel where an
// event does.
const (
	TypeMemberJoined   = "hubline.member_joined"
	TypeMemberLeft     = "hubline.member_left"
	TypeMembersChanged = "hubline.members_changed"
)

func noticeType(n *broker.Notice) string {
	return [...]string{TypeMemberJoined, TypeMemberLeft, TypeMembersChanged}[n.Kind]
}

// noticeBody is the message of a notice, made once for all connections.
func noticeBody(n *broker.Notice) []byte {
	return n.Form(broker.FormNative, encodeNotice).([]byte)
}

func encodeNotice(n *broker.Notice) any {
	b := append(make([]byte, 0, 96+len(n.Channel)+len(n.User)), `{"type":`...)
	b = appendString(b, noticeType(n))
	if n.Channel != "" {
		b = append(b, `,"channel":`...)
		b = appendString(b, n.Channel)
	}
	b = append(b, `,"data":{`...)
	if n.Kind != broker.MembersChanged {
		b = append(b, `"user":`...)
		b = appendString(b, n.User)
	}
	return append(b, "}}"...)
}

// Bounds of the list in the answer to a subscribe: users, and bytes of their names.
const (
	maxListed      = 256
	maxListedBytes = 8 << 10
)

// present lists users who are in a presence channel, as many as an answer has room for,
// and says how many there are.
func (s *Session) present(channel string) (users []string, total int) {
	users, total = s.sub.Present(channel, maxListed)
	bytes := 0
	for i, user := range users {
		if bytes += len(user); bytes > maxListedBytes {
			return users[:i], total
		}
	}
	return users, total
}
