// Package api is the HTTP surface: routes, authentication, publishing and
// administration, problem+json. It ties the dialects (native, signalr) to the
// carriers (websocket, sse, longpoll); neither knows the other.
package api
