package notify

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// pageSize is how many entries of a list are asked for at a time, the most that the
// server gives.
const pageSize = 1000

var errAnswer = errors.New("something is missing in it")

// Member is a user in a channel.
type Member struct {
	User string `json:"user"`
	// Online: the user has a connection; in a presence- channel also when the last one
	// ended less than presence-grace ago.
	Online bool `json:"online"`
}

// Members returns an iterator over the members of a channel in the order of their
// names, connected or not. A channel that nobody is in has none. An error ends it.
// It asks for 1,000 at a time, so a channel that changes meanwhile is seen
// page by page: whoever stays in it throughout is listed exactly once. Needs the
// scope read.
//
// The iterator may be used several times, and asks anew each time.
func (n *Notifier) Members(ctx context.Context, channel string) iter.Seq2[Member, error] {
	const op = "Members"
	return func(yield func(Member, error) bool) {
		if err := checkChannel(channel); err != nil {
			yield(Member{}, invalid(op, err))
			return
		}
		for after := ""; ; {
			var page struct {
				Members []Member `json:"members"`
				Next    *string  `json:"next"`
			}
			q := url.Values{"limit": {strconv.Itoa(pageSize)}}
			if after != "" {
				q.Set("after", after)
			}
			err := n.do(ctx, op, request{
				method: http.MethodGet, path: channelPath(channel) + "/members?" + q.Encode(),
				answer: func(text []byte) error {
					page.Members, page.Next = nil, nil
					if err := json.Unmarshal(text, &page); err != nil {
						return err
					}
					// A page that does not lead on would be asked for again for ever.
					if page.Members == nil || page.Next != nil && *page.Next <= after {
						return errAnswer
					}
					return nil
				},
			})
			if err != nil {
				yield(Member{}, err)
				return
			}
			for _, m := range page.Members {
				if !yield(m, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			after = *page.Next
		}
	}
}

// AddMember puts a user into a channel, whatever its name: tokens and the webhook are
// not asked. It reports whether that changed anything; after a retry, which finds the
// user in it, it may be false all the same. Needs the scope admin.
func (n *Notifier) AddMember(ctx context.Context, channel, user string) (changed bool, err error) {
	return n.changeMember(ctx, "AddMember", http.MethodPut, channel, user)
}

// RemoveMember takes a user out of a channel, from the next publish on. It reports
// whether that changed anything, as [Notifier.AddMember] does. Needs the scope admin.
func (n *Notifier) RemoveMember(ctx context.Context, channel, user string) (changed bool, err error) {
	return n.changeMember(ctx, "RemoveMember", http.MethodDelete, channel, user)
}

func (n *Notifier) changeMember(ctx context.Context, op, method, channel, user string) (bool, error) {
	if err := errors.Join(checkChannel(channel), checkUser(user)); err != nil {
		return false, invalid(op, err)
	}
	var changed bool
	err := n.do(ctx, op, request{
		method: method, path: channelPath(channel) + "/members/" + segment(user),
		answer: func(text []byte) error {
			var a struct {
				Changed *bool `json:"changed"`
			}
			if err := json.Unmarshal(text, &a); err != nil {
				return err
			}
			if a.Changed == nil {
				return errAnswer
			}
			changed = *a.Changed
			return nil
		},
	})
	return changed, err
}

// Channels returns the channels that a user is in, by name. Needs the scope read.
func (n *Notifier) Channels(ctx context.Context, user string) ([]string, error) {
	const op = "Channels"
	if err := checkUser(user); err != nil {
		return nil, invalid(op, err)
	}
	var a struct {
		Channels []string `json:"channels"`
	}
	err := n.do(ctx, op, request{
		method: http.MethodGet, path: userPath(user) + "/channels",
		answer: func(text []byte) error {
			a.Channels = nil
			if err := json.Unmarshal(text, &a); err != nil {
				return err
			}
			if a.Channels == nil {
				return errAnswer
			}
			return nil
		},
	})
	return a.Channels, err
}
