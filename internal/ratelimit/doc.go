// Package ratelimit bounds how often somebody may do something: a token bucket
// (golang.org/x/time/rate) for each subject, in a table that never holds more than
// its bound.
//
// # What holds when the table is full
//
// A bucket that has filled up again is as good as a new one, so forgetting it
// loses nothing. One that has not remembers what its subject has spent, and is
// never forgotten: whoever is being limited stays so, however many other subjects
// are made up to push it out. A subject for which there is no room shares one
// bucket with all others like it until there is. So
//
//   - memory is bounded: a table has no more than its size of buckets;
//   - no subject gets more than its rate by rotating others through the table, and
//     what subjects without a bucket get together is what a few have (one for each
//     part of the table);
//   - the price is paid by newcomers, while as many others as the table has places
//     have spent something and not yet got it back. With 1,000 tokens a second that
//     is a millisecond for each request, so it takes a flood of tens of millions of
//     requests a second from as many addresses to get there.
//
// An attacker with many subjects (an IPv6 network has 65,536 of /64 in a /48) has
// that many buckets. The bounds on everything together are what is left then:
// connections, sockets, negotiations.
package ratelimit
