package imports

// room is one of our packages, or, with "/..." at its end, all packages in and
// below a folder that have no room of their own.
type room struct {
	path string
	// may lists what it may import of ours; everything else of ours is
	// forbidden, because of why.
	may []string
	why string
	// never lists what neither it nor anything of ours that it imports may
	// import.
	never []rule
}

// rule forbids packages, and everything below them.
type rule struct {
	what []string
	why  string
}

// What rooms are kept from.
var (
	http  = []string{"net/http"}
	echo  = []string{"github.com/labstack"}
	ws    = []string{"github.com/gorilla", "github.com/coder/websocket"}
	jwt   = []string{"github.com/golang-jwt", "github.com/MicahParks"}
	redis = []string{"github.com/redis", "github.com/gomodule/redigo"}
)

// Why they are.
var (
	noHTTP   = rule{http, "order, logs and fan-out are the same over any protocol, and are tested without one"}
	noEcho   = rule{echo, "the router is the API's choice; a new version of it must not reach further than that"}
	noSocket = rule{ws, "one carrier speaks WebSocket; the rest sees bytes and can be served over any other"}
	noJWT    = rule{jwt, "who a client is was settled before; here an identity is a name"}
	noRedis  = rule{redis, "where the log is kept is chosen when the server is put together"}
)

// rooms is the one-way order of the house. A new package needs a place here.
var rooms = []room{
	{
		path: "replay", why: "the log is the innermost room and knows nothing of ours",
		never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "replay/journal", why: "a log of bytes on disk does not know what they mean",
		never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "replay/ledger", may: []string{"replay", "replay/journal"},
		why:   "what lies on disk knows events and cursors, not who publishes or reads them",
		never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "broker", may: []string{"internal/turn", "replay", "replay/ledger"}, why: "the core must not know how events come in or go out",
		never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "transports", may: []string{"internal/ratelimit"}, why: "a connection moves bytes: it knows neither events nor any one carrier",
		never: []rule{noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "transports/xtest/...", may: []string{"internal/leaktest", "transports", "transports/xtest/..."},
		why: "it is shared by the tests of carriers",
	},
	{
		path: "websocket", may: []string{"transports"}, why: "carriers know neither each other nor what they carry",
		never: []rule{noEcho, noJWT, noRedis},
	},
	{
		path: "sse", may: []string{"transports"}, why: "carriers know neither each other nor what they carry",
		never: []rule{noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "longpoll", may: []string{"transports"}, why: "carriers know neither each other nor what they carry",
		never: []rule{noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "signalr/protocol", may: []string{"internal/jsonscan"},
		why:   "the wire knows nothing of ours but how JSON is scanned, so that it can be read beside its specification",
		never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "signalr", may: []string{"signalr/protocol", "broker", "internal/jsonscan", "internal/ratelimit", "replay", "transports"},
		why:   "a dialect works over any carrier, and dialects do not know each other",
		never: []rule{noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "signalr/serve", may: []string{"longpoll", "signalr", "sse", "transports", "websocket"},
		why:   "it ties hubs to carriers for other programs, which bring their own authentication and routes",
		never: []rule{noEcho, noJWT, noRedis},
	},
	{
		path: "native", may: []string{"broker", "internal/ratelimit", "replay", "transports"},
		why:   "a dialect works over any carrier, and dialects do not know each other",
		never: []rule{noEcho, noSocket, noJWT, noRedis},
	},
	{
		path: "api/auth", may: []string{"internal/jsonscan"},
		why:   "token in, identity out: it scans claims and knows nothing else of ours, so that anybody may ask it",
		never: []rule{noEcho, noSocket, noRedis},
	},
	{path: "api/webhook", why: "a question over HTTP: it knows nothing of ours", never: []rule{noEcho, noSocket, noJWT, noRedis}},
	{path: "api/notify", why: "anybody's client: it knows the API alone, over HTTP", never: []rule{noEcho, noSocket, noJWT, noRedis}},
	{
		path: "api/server", may: []string{"api/auth", "api/notify", "internal/app", "internal/config"},
		why: "the whole server for other programs: a way to the application, which is not put together a second time",
	},
	{path: "web", may: []string{"internal/loopback"}, why: "the page knows nothing of what it shows", never: []rule{noEcho, noSocket, noJWT, noRedis}},
	{
		path: "api",
		may: []string{
			"api/auth", "api/webhook", "broker", "internal/jsonscan", "internal/loopback", "internal/ratelimit", "longpoll", "native", "replay", "signalr", "signalr/serve", "sse",
			"transports", "web", "websocket",
		},
		why:   "the API ties dialects to carriers; configuration and start are the application's",
		never: []rule{noRedis},
	},
	{path: "internal/ratelimit", why: "it counts subjects and does not know what they are", never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis}},
	{path: "internal/jsonscan", why: "a parser is a leaf", never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis}},
	{
		path: "internal/config", may: []string{"api/auth", "internal/ratelimit"}, why: "configuration is read before anything is built",
		never: []rule{noEcho, noSocket, noRedis},
	},
	{path: "internal/imports", why: "it is a test"},
	{path: "internal/disktest", why: "it is a disk, and knows nobody"},
	{path: "internal/loopback", why: "it looks at a request and knows nothing else", never: []rule{noEcho, noSocket, noJWT, noRedis}},
	{path: "internal/leaktest", why: "the tests of every room use it"},
	{path: "internal/turn", why: "a leaf: it knows the scheduler and a pipe", never: []rule{noHTTP, noEcho, noSocket, noJWT, noRedis}},
	{path: "internal/logtest", why: "the tests of every room use it"},
	{path: "internal/spectest", why: "it holds the tests' traffic against the document, from inside and from outside"},
	{
		path: "internal/cli/...", may: []string{"internal/cli/...", "internal/config", "internal/app", "api/auth"},
		why: "commands speak to a server over the network like anybody's client",
	},
	{
		path: "internal/app",
		may: []string{
			"api", "api/auth", "api/webhook", "broker", "internal/config", "internal/ratelimit", "longpoll", "native", "replay", "replay/...", "signalr", "sse",
			"transports", "web", "websocket",
		},
		why: "the application is put together here, for the commands and, within other programs, api/server",
	},
	{
		path: "cmd/...", may: []string{"internal/app", "internal/cli/...", "internal/config"},
		why: "a command is a main function; what it does can be imported by tests",
	},
	{
		path: "test/npm/hub", may: []string{"signalr", "signalr/serve", "transports"},
		why: "it is a program of somebody who uses the hub packages",
	},
	{
		path: "test/...", may: []string{"internal/app", "internal/spectest", "test/..."},
		why: "end-to-end tests see what a user sees: what they reach around is not tested",
	},
}
