package api

import (
	"net/http"
	"time"
)

// Times after which to come back.
const (
	retrySoon  = 2 * time.Second // another instance, or this one again, will be there
	retryLater = 5 * time.Second // somebody must make room first
)

// problemType is one type of problem: what answers of that type have in common, and
// what its page and docs/problems.md say. Types are part of the API: a slug keeps its
// meaning and status for ever.
type problemType struct {
	slug    string
	status  int
	title   string
	meaning string        // what has happened
	remedy  string        // what to do
	retry   string        // whether the same request may succeed later
	wait    time.Duration // sent as Retry-After; zero: nothing is sent
}

// Whether to send the same request again.
const (
	retryNo      = "No: the same request is refused again."
	retryWaiting = "Yes, after the seconds in Retry-After."
	retryRenewed = "Yes, with new credentials."
	retrySafely  = "Yes; a publish with an Idempotency-Key or an id of its own, so that it is there once."
)

// slugInternal is the problem that is our fault.
const slugInternal = "internal"

// problemTypes are all types of problems, by slug: the pages under /problems/, the
// labels of the metric and docs/problems.md are made of them.
var problemTypes = []problemType{
	{
		slug: "bad-request", status: http.StatusBadRequest, title: "The request is not valid", retry: retryNo,
		meaning: "The request does not follow the description of the API.",
		remedy:  "The detail names the first thing that is wrong; /api/openapi.yaml says what is allowed.",
	},
	{
		slug: "body-timeout", status: http.StatusRequestTimeout, title: "The body did not arrive in time", retry: retrySafely,
		meaning: "The body did not arrive within body-timeout. The connection is closed.",
		remedy:  "Send it faster, or in smaller pieces.",
	},
	{
		slug: "busy", status: http.StatusServiceUnavailable, title: "Too much waits for the disk", retry: retryWaiting, wait: retrySoon,
		meaning: "More was published than the disk could take so far. Nothing of this request was published.",
		remedy:  "Publish again after Retry-After, slower; many events in one batch share a write.",
	},
	{
		slug: "channel-forbidden", status: http.StatusForbidden, title: "Forbidden", retry: retryRenewed,
		meaning: "Channels whose names begin with private- or presence- are joined by leave only: of the token's claim channels, a list of names in which a * at the end stands for anything, or of the webhook.",
		remedy:  "Issue a token that names the channel, or configure --channel-webhook and have it answer 2xx.",
	},
	{
		slug: "channel-name", status: http.StatusBadRequest, title: "Missing or invalid channel name", retry: retryNo,
		meaning: "A channel's name is 1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ; and :.",
		remedy:  "Use another name; what is not allowed may be encoded, for example with percent signs written as =.",
	},
	{
		slug: "channel-webhook", status: http.StatusServiceUnavailable, title: "Channel authorization did not answer", retry: retryWaiting, wait: retrySoon,
		meaning: "The webhook that decides who may join did not answer in time, or with a status that is neither 2xx nor 4xx. Nobody joins without its leave.",
		remedy:  "Try again; see to the service behind --channel-webhook if that lasts.",
	},
	{
		slug: "cookie-origin", status: http.StatusForbidden, title: "The cookie does not count here", retry: retryNo,
		meaning: "The token came in the cookie of --token-cookie, which browsers add to requests whoever makes them. It counts only if the page's origin is the server's own or one of --allowed-origins (not * nor null); a WebSocket or a POST must name it, in Origin.",
		remedy:  "Name the page's origin in --allowed-origins, or send the token as Authorization: Bearer or access_token, which count wherever the request comes from.",
	},
	{
		slug: "cursor", status: http.StatusBadRequest, title: "The cursor is not valid", retry: retryNo,
		meaning: "A cursor is epoch-seq, as every event carries it. A bare seq, 0 for everything kept, latest and, for clients whose token names a device, device are accepted too.",
		remedy:  "Send the cursor as it came with the last event, or, without one, 0 or latest.",
	},
	{
		slug: "demo-key", status: http.StatusForbidden, title: "This key stays on this machine", retry: retryNo,
		meaning: "A server with --demo gives a key for the demo's user to its own page, in a browser on the same machine and without a proxy between them, and to nobody else.",
		remedy:  "Paste an API key into the page.",
	},
	{
		slug: "disk-full", status: http.StatusInsufficientStorage, title: "The disk is full", retry: retryWaiting, wait: retryLater,
		meaning: "The file system of the data directory has no room. Nothing was published. What was published before is delivered and replayed as ever.",
		remedy:  "Make room there, or keep less (log-age, log-disk-bytes); publishing goes on as soon as there is room.",
	},
	{
		slug: "full", status: http.StatusServiceUnavailable, title: "The server has as many connections as it may", retry: retryWaiting, wait: retryLater,
		meaning: "The connections of all users together have reached max-connections, or those without a token max-anonymous-connections.",
		remedy:  "Try again later, or raise the limit that the detail names.",
	},
	{
		slug: "idempotency-conflict", status: http.StatusUnprocessableEntity, title: "The key was used before", retry: retryNo,
		meaning: "The Idempotency-Key, or the event's id, was used before with another content.",
		remedy:  "Repeat a publish byte for byte, or use a new key for a new event.",
	},
	{
		slug: slugInternal, status: http.StatusInternalServerError, title: "Something went wrong here", retry: retrySafely,
		meaning: "The server has failed.",
		remedy:  "Its log has the details under the time of the answer.",
	},
	{
		slug: "kept-out", status: http.StatusForbidden, title: "An administrator keeps this user out for a time", retry: retryWaiting,
		meaning: "An administrator has ended the connections of this user or device, and refuses new ones until Retry-After has passed.",
		remedy:  "Ask whoever runs the service. Administrators let the user in again with refuseSeconds 0.",
	},
	{
		slug: "keys-unavailable", status: http.StatusServiceUnavailable, title: "Tokens cannot be checked yet", retry: retryWaiting, wait: retryLater,
		meaning: "The server has not been able to fetch the keys of jwks-url, without which it can check no token. The token may be good.",
		remedy:  "Try again; the server goes on fetching. If that lasts, look at its log.",
	},
	{
		slug: "log-failed", status: http.StatusServiceUnavailable, title: "The log cannot be written", retry: retryWaiting, wait: retryLater,
		meaning: "A write to the disk has failed, so that it is not known what is on it. Nothing was published, and nothing will be until the server is started again and has looked; what it has acknowledged before is safe.",
		remedy:  "Look at the disk (the server's log has the error), and start the server again.",
	},
	{
		slug: "method-not-allowed", status: http.StatusMethodNotAllowed, title: "This path has no such method", retry: retryNo,
		meaning: "The path exists, with other methods: the header Allow names them.",
		remedy:  "Check the method against /api/openapi.yaml.",
	},
	{
		slug: "no-connection", status: http.StatusNotFound, title: "There is no such connection", retry: retryNo,
		meaning: "No live connection of /events has this connectionId and belongs to the token's user.",
		remedy:  "Connect again, with the new token.",
	},
	{
		slug: "no-token", status: http.StatusUnauthorized, title: "The request has no credentials", retry: retryRenewed,
		meaning: "Neither an API key nor a token came with the request.",
		remedy:  "Send Authorization: Bearer with an API key or a token. Clients that cannot set headers send access_token in the query, or negotiate a ticket.",
	},
	{
		slug: "not-a-member", status: http.StatusForbidden, title: "Only members may look", retry: retryNo,
		meaning: "Who is in a channel is shown to clients whose user is a member of it.",
		remedy:  "Join the channel first; a backend reads /api/v1/channels/{channel}/members.",
	},
	{
		slug: "not-found", status: http.StatusNotFound, title: "There is nothing here", retry: retryNo,
		meaning: "No route of the server has this path. With --base-path every path begins with that.",
		remedy:  "Check the path against /api/openapi.yaml.",
	},
	{
		slug: "origin", status: http.StatusForbidden, title: "This origin may not connect", retry: retryNo,
		meaning: "The page's origin is neither the server's own, as the Host header names it, nor one of --allowed-origins. CORS does not protect WebSockets, so the server checks the origin itself.",
		remedy:  "Start the server with --allowed-origins and the page's origin, with its scheme, and its port if it has one: https://app.example.org. The server's log names the origin that was refused.",
	},
	{
		slug: "other-user", status: http.StatusForbidden, title: "This key is for another user", retry: retryNo,
		meaning: "The key is good, but for one user alone, as the demo's is, and the call is about another, or about more than one.",
		remedy:  "Use a key for all users, such as that in the data directory.",
	},
	{
		slug: "rate-limited", status: http.StatusTooManyRequests, title: "Too many requests", retry: retryWaiting,
		meaning: "The API key, the user or the address asks more often than allowed. Nothing was done.",
		remedy:  "Try again after Retry-After, or raise the limit that the detail names: api-rate, connect-rate-per-ip, request-rate-per-user or auth-failure-rate-per-ip. Where all clients have one address a proxy stands before the server: name it in trusted-proxies.",
	},
	{
		slug: "renew", status: http.StatusForbidden, title: "The token is somebody else's", retry: retryRenewed,
		meaning: "A connection is renewed with another token of the same user and device.",
		remedy:  "Send a token of the user and device that the connection belongs to, or connect again.",
	},
	{
		slug: "scope", status: http.StatusForbidden, title: "The scope is missing", retry: retryNo,
		meaning: "The credentials are good, but lack the scope of this call: publish, read or admin.",
		remedy:  "Use a key or token with the scope that the detail names.",
	},
	{
		slug: "stopping", status: http.StatusServiceUnavailable, title: "The server is stopping", retry: retryWaiting, wait: retrySoon,
		meaning: "The server is stopping, and takes no more events and connections.",
		remedy:  "Try again: another instance, or the next start, will answer.",
	},
	{
		slug: "ticket", status: http.StatusUnauthorized, title: "The ticket is not valid", retry: "Yes, with a new ticket.",
		meaning: "A ticket of /events/negotiate is good once, for a short time (ticket-ttl), and for the user who got it.",
		remedy:  "Negotiate again.",
	},
	{
		slug: "token-expired", status: http.StatusUnauthorized, title: "The token has expired", retry: retryRenewed,
		meaning: "The token's exp has passed.",
		remedy:  "Fetch a new token and come back with the same cursor.",
	},
	{
		slug: "token-invalid", status: http.StatusUnauthorized, title: "The token or API key is not accepted", retry: retryRenewed,
		meaning: "A token is accepted if it is a JSON Web Token with sub (the user) and exp (seconds since 1970; compulsory), its nbf has come, and it is signed as configured, with iss and aud as in jwt-issuer and jwt-audience. An API key must be that of the data directory or of api-key-file, and is good for the backend API only: clients need a token.",
		remedy:  "Sign tokens with what the server checks them by: jwt-secret-file or the data directory's signing-secret (the text of the file, without its line end), a key of jwt-public-key-file or of jwks-url.",
	},
	{
		slug: "token-revoked", status: http.StatusUnauthorized, title: "The token has been revoked", retry: retryRenewed,
		meaning: "An administrator has revoked this token, the user's tokens of its time, or everybody's.",
		remedy:  "Get a new token, if you may.",
	},
	{
		slug: "too-large", status: http.StatusRequestEntityTooLarge, title: "The body is too large", retry: retryNo,
		meaning: "The body, an event or the batch exceeds its limit.",
		remedy:  "Send less at a time, or raise max-publish-bytes, max-batch-bytes or max-batch-items.",
	},
	{
		slug: "too-many-channels", status: http.StatusTooManyRequests, title: "The user is in as many channels as allowed", retry: retryWaiting, wait: retryLater,
		meaning: "The user is in max-channels-per-user channels. Memberships outlive connections: those that are not wanted any more have to be ended.",
		remedy:  "Leave some channels, or raise max-channels-per-user.",
	},
	{
		slug: "too-many-connections", status: http.StatusTooManyRequests, title: "Too many connections", retry: retryWaiting, wait: retryLater,
		meaning: "The user or the address has as many connections as allowed.",
		remedy:  "Close some, or raise max-connections-per-user, max-connections-per-ip or, for those without a token, max-anonymous-connections-per-ip.",
	},
	{
		slug: "too-many-kept-out", status: http.StatusServiceUnavailable, title: "Too many users are kept out", retry: retryWaiting, wait: retryLater,
		meaning: "As many users and devices are kept out as the server remembers (max-kept-out). Nobody was disconnected by this call.",
		remedy:  "Let some in again with refuseSeconds 0, raise max-kept-out, or disconnect without refuseSeconds.",
	},
	{
		slug: "too-many-members", status: http.StatusForbidden, title: "The channel has as many members as allowed", retry: retryNo,
		meaning: "The channel has max-channel-members members.",
		remedy:  "Use several channels, a broadcast, or raise max-channel-members.",
	},
	{
		slug: "too-many-memberships", status: http.StatusServiceUnavailable, title: "The server keeps as many memberships as it may", retry: retryWaiting, wait: retryLater,
		meaning: "The memberships of all users in all channels together have reached max-memberships.",
		remedy:  "End memberships that are not wanted any more, or raise max-memberships.",
	},
	{
		slug: "too-many-negotiated", status: http.StatusServiceUnavailable, title: "Too many connections are being made", retry: retryWaiting, wait: retryLater,
		meaning: "As many connections as allowed, in all or for this user, were negotiated and not used yet.",
		remedy:  "Use what was negotiated, or try again; see max-negotiated.",
	},
	{
		slug: "too-many-present", status: http.StatusForbidden, title: "The presence channel has as many members as allowed", retry: retryNo,
		meaning: "The channel's name begins with presence-, and it has max-presence-members members. All of them are told of each other, so that twice as many cost four times as much.",
		remedy:  "Use several channels, one whose name does not begin with presence-, or raise max-presence-members.",
	},
	{
		slug: "too-many-revocations", status: http.StatusServiceUnavailable, title: "As many revocations are remembered as allowed", retry: retryWaiting, wait: retryLater,
		meaning: "max-revocations are remembered; each is kept for revocation-ttl.",
		remedy:  "Revoke by user or by time of issue instead of token by token, or raise max-revocations.",
	},
	{
		slug: "too-much-at-once", status: http.StatusServiceUnavailable, title: "Too much is being received", retry: retryWaiting, wait: retrySoon,
		meaning: "The bodies of all requests that are being received or worked on have reached max-inflight-bytes. Nothing of this request was done.",
		remedy:  "Try again after Retry-After, with smaller batches or fewer at a time, or raise max-inflight-bytes.",
	},
	{
		slug: "upgrade-required", status: http.StatusUpgradeRequired, title: "Expected WebSocket upgrade", retry: retryNo,
		meaning: "The path is for WebSockets, and the request is no upgrade. A proxy may have dropped the headers Upgrade and Connection.",
		remedy:  "Have the proxy pass them on, or use /events, as Server-Sent Events or long polling.",
	},
}

// problemsBySlug finds a type.
var problemsBySlug = func() map[string]*problemType {
	m := make(map[string]*problemType, len(problemTypes))
	for i := range problemTypes {
		m[problemTypes[i].slug] = &problemTypes[i]
	}
	return m
}()
