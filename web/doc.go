// Package web serves the console: the page at / on which a person watches events
// arrive, cuts the connection and sees the replay happen, and on which an
// administrator looks at logs, backups and devices, and replays.
//
// The page is plain HTML, CSS and ES modules, embedded as they stand in static/.
// There is no build step, and nothing is loaded from another origin. The browser
// client in static/console/client knows nothing of the page and imports nothing
// outside its folder, so other code may take it as it is.
//
// The page talks to the server only through relative URLs (events, events/negotiate,
// api/v1, demo/session, demo/key), so it works under any base path.
package web
