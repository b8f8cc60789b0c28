package signalr

import (
	"strings"
	"testing"
	"time"

	"hubline/transports"
)

// Published vulnerabilities of SignalR servers, as far as they concern this layer:
// parsers are tested in package protocol; tokens, users and sockets (CVE-2019-0982,
// CVE-2020-0602, #67311, #69090) by package transports and signalr/serve. There is
// no backplane (CVE-2023-35391) here.
func TestPublishedVulnerabilities(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"CVE-2026-56170: stateful reconnect keeps what is not acknowledged": TestUnacknowledgedMessagesAreBounded,
		"CVE-2026-56170: every new socket brings more":                      TestALostSocketLetsTheReaderGo,
		"CVE-2026-26130: what is held and not counted":                      TestWhatAClientMakesUsHold,
		"CVE-2026-26130: an endless message":                                testEndlessMessage,
		"CVE-2026-45591: nested values":                                     testNestedValues,
		"CVE-2024-21386: calls, and nobody takes the answers":               TestUntakenAnswersHoldCallsBack,
		"CVE-2024-21386: streams, and nobody takes the items":               TestAStreamGoesAsFastAsItsClient,
		"CVE-2024-21386: calls that are never over":                         TestCallsThatAwaitTheirClientAreBounded,
		"dotnet/aspnetcore#68301: a stream takes another's name":            TestLiveUploadsKeepTheirNames,
		"dotnet/aspnetcore#69283: Sequence below 1":                         testSequenceBelowOne,
		"dotnet/aspnetcore#69285: an unknown type wedges":                   TestIgnoredMessages,
	} {
		t.Run(name, test)
	}
}

// A message without an end is refused at its limit, in pieces of any size.
func testEndlessMessage(t *testing.T) {
	for shake, piece := range map[string]string{jsonShake: " ", packedShake: "\xff\xff\x01\x95 "} {
		bubble(t, func(t *testing.T) {
			p := dial(t, adder(Config{MaxMessageBytes: 100}), transports.WebSockets, Options{})
			p.shake(shake)
			for i := 0; i < 200 && p.send(piece) == nil; i++ {
				if n := cap(p.s.in); n > 400 {
					t.Fatalf("%d bytes are held", n)
				}
			}
			p.wantEnd(transports.ReasonTooLarge)
		})
	}
}

// Deep values, wherever they stand, end the connection that sent them and no more.
func testNestedValues(t *testing.T) {
	deep := func(head, tail string) string { return head + strings.Repeat("\x91", 1000) + tail }
	for _, message := range []string{
		"\xf2\x07" + deep("\x95\x01\x80\xa11\xa1t\x91", "\xc0\x90"),
		"\xee\x07" + deep("\x94\x02\x80\xa11", "\xc0"),
		"\xef\x07" + deep("\x95\x03\x80\xa11\x03", "\xc0"),
	} {
		bubble(t, func(t *testing.T) {
			p := dial(t, adder(Config{}), transports.WebSockets, Options{})
			p.shake(packedShake)
			if p.send(message) == nil {
				t.Errorf("%.12q… was taken", message)
			}
			p.wantEnd(transports.ReasonProtocolError)
		})
	}
}

// Such a Sequence had everything behind it dropped, on a connection that looked
// alive.
func testSequenceBelowOne(t *testing.T) {
	for _, n := range []int{0, -1, -1 << 62} {
		bubble(t, func(t *testing.T) {
			p := dialStateful(t, adder(Config{}))
			p.call(asks("1", "Add", "1,1"))
			p.want(sum("1", 2))
			if p.send(sequence(n)+"\x1e") == nil {
				t.Errorf("Sequence %d was taken", n)
			}
			p.wantEnd(transports.ReasonProtocolError)
			time.Sleep(time.Second)
			if p.s.Resumable() {
				t.Error("the session goes on")
			}
		})
	}
}
