// Package longpoll is the long-polling carrier: a request that is answered when
// there is something to say.
//
// A poll that waits for more than a moment gives up its HTTP handler: over
// plain HTTP/1.1 the socket is taken over, one small goroutine watches it, and
// when the next request's first byte comes after the answer, the socket goes
// back to the HTTP server through [Parker]'s listener. Busy clients, whose
// polls are answered at once, stay in net/http all the time.
package longpoll
