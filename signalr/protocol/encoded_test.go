package protocol

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The published messages of the Bitwarden family, from their JSON.
func TestBitwardenVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/bitwarden-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Text   map[string]string
		Binary []struct{ Name, Hex string }
	}
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	ids := strings.NewReplacer(
		"UID", "11111111-2222-3333-4444-555555555555", "DEV", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
		"ID1", "99999999-8888-7777-6666-555555555555", "ORG", "77777777-1111-2222-3333-444444444444",
		"COL", "cccccccc-0000-1111-2222-333333333333", "NOW", "2023-11-14T22:13:20.123Z")
	const receive = "ReceiveMessage"
	vw := Event{Target: receive, NoStreamIDs: true, Timestamps: true}
	seed := Event{Target: receive, NoStreamIDs: true}
	official := Event{Target: receive, Timestamps: true}
	newer := Event{Target: receive}
	events := map[string]struct {
		Event
		args string
	}{
		"vw_type5_null_ctx":           {vw, `[{"ContextId":null,"Type":5,"Payload":{"UserId":"UID","Date":"NOW"}}]`},
		"vw_type11_ctx_whole_second":  {vw, `[{"ContextId":"DEV","Type":11,"Payload":{"UserId":"UID","Date":"2023-11-14T22:13:20Z"}}]`},
		"vw_type0_personal":           {vw, `[{"ContextId":"DEV","Type":0,"Payload":{"Id":"ID1","UserId":"UID","OrganizationId":null,"CollectionIds":null,"RevisionDate":"NOW"}}]`},
		"vw_type0_org_collections":    {vw, `[{"ContextId":"DEV","Type":0,"Payload":{"Id":"ID1","UserId":null,"OrganizationId":"ORG","CollectionIds":["COL"],"RevisionDate":"NOW"}}]`},
		"vw_type7_folder":             {vw, `[{"ContextId":"DEV","Type":7,"Payload":{"Id":"ID1","UserId":"UID","RevisionDate":"NOW"}}]`},
		"vw_type12_send":              {vw, `[{"ContextId":null,"Type":12,"Payload":{"Id":"ID1","UserId":"UID","RevisionDate":"NOW"}}]`},
		"vw_type15_authreq":           {vw, `[{"ContextId":"DEV","Type":15,"Payload":{"Id":"ID1","UserId":"UID"}}]`},
		"vw_anon16":                   {Event{Target: "AuthRequestResponseRecieved", NoStreamIDs: true}, `[{"Type":16,"Payload":{"Id":"ID1","UserId":"UID"},"UserId":"UID"}]`},
		"nw_seed_type12_devicestatus": {seed, `[{"ContextId":null,"Type":12,"Payload":{"UserId":"UID","Date":"NOW"}}]`},
		"nw_seed_type13_backup":       {seed, `[{"ContextId":null,"Type":13,"Payload":{"UserId":"UID","Date":"NOW","operation":"backup-restore","source":"local","step":"local_import_data","fileName":"b.zip","stageTitle":"txt_backup_x","stageDetail":"txt_backup_y","replaceExisting":true}}]`},
		"nw_new_type5":                {newer, `[{"ContextId":null,"Type":5,"Payload":{"UserId":"UID","Date":"NOW"}}]`},
		"off_heartbeat":               {Event{Target: "Heartbeat"}, `[]`},
		"off_type5":                   {official, `[{"Type":5,"Payload":{"UserId":"UID","Reason":null},"ContextId":null}]`},
		"off_type0":                   {official, `[{"Type":0,"Payload":{"Id":"ID1","UserId":"UID","OrganizationId":null,"CollectionIds":null,"RevisionDate":"NOW"},"ContextId":"DEV"}]`},
	}
	for _, v := range vectors.Binary {
		want := unhex(t, v.Hex)
		e, ok := events[v.Name]
		if !ok {
			m := decodeOne(t, MessagePack, want)
			if got, err := MessagePack.Append(nil, &m); err != nil || string(got) != string(want) {
				t.Errorf("%s: %x, %v", v.Name, got, err)
			}
			continue
		}
		delete(events, v.Name)
		e.Arguments = []byte(ids.Replace(e.args))
		enc, err := MessagePack.EncodeInvocation(e.Event)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, enc.Append(nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.Name, diff)
		}
	}
	if len(events) > 0 {
		t.Errorf("not among the vectors: %v", events)
	}

	enc, err := JSON.EncodeInvocation(Event{Target: receive, Arguments: []byte(ids.Replace(`[{"ContextId":null,"Type":5,"Payload":{"UserId":"UID","Date":"NOW"}}]`))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(unhex(t, vectors.Text["nw_json_type5"])), string(enc.Append(nil))); diff != "" {
		t.Errorf("nw_json_type5 (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"handshake_ack": HandshakeOK, "json_ping": string(JSON.Ping()),
		"handshake_msgpack": string(AppendHandshakeRequest(nil, HandshakeRequest{Protocol: "messagepack", Version: 1})),
	} {
		if got := string(unhex(t, vectors.Text[name])); got != want {
			t.Errorf("%s = %q", name, want)
		}
	}
}

func TestStamp(t *testing.T) {
	tests := []struct {
		name         string
		event        Event
		seq          uint64
		epoch        string
		json, packed string
	}{
		{
			"plain",
			Event{Target: "n", Arguments: []byte(`[{"a":1}]`)},
			57, "k7q2",
			`{"type":1,"headers":{"seq":"57","cursor":"k7q2-57"},"target":"n","arguments":[{"a":1}]}`,
			"22 96 01 82 a3736571 a23537 a6637572736f72 a76b3771322d3537 c0 a16e 91 81 a161 01 90",
		},
		{
			"no arguments",
			Event{Target: "n", Arguments: []byte(` [ ] `)},
			1, "e",
			`{"type":1,"headers":{"seq":"1","cursor":"e-1"},"target":"n","arguments":[]}`,
			"19 96 01 82 a3736571 a131 a6637572736f72 a3652d31 c0 a16e 90 90",
		},
		{
			"meta",
			Event{Target: "n", Arguments: []byte(`[5]`), Meta: []byte(`{"id":"i"}`)},
			300, "e",
			`{"type":1,"headers":{"seq":"300","cursor":"e-300"},"target":"n","arguments":[5,{"seq":300,"cursor":"e-300","id":"i"}]}`,
			"38 96 01 82 a3736571 a3333030 a6637572736f72 a5652d333030 c0 a16e 92 05 83 a3736571 cd012c a6637572736f72 a5652d333030 a26964 a169 90",
		},
		{
			"empty meta alone",
			Event{Target: "n", Arguments: []byte(`[]`), Meta: []byte(`{}`)},
			1, "e",
			`{"type":1,"headers":{"seq":"1","cursor":"e-1"},"target":"n","arguments":[{"seq":1,"cursor":"e-1"}]}`,
			"2a 96 01 82 a3736571 a131 a6637572736f72 a3652d31 c0 a16e 91 82 a3736571 01 a6637572736f72 a3652d31 90",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for c, want := range map[Codec]string{JSON: tt.json + "\x1e", MessagePack: string(unhex(t, tt.packed))} {
				enc, err := c.EncodeInvocation(tt.event)
				if err != nil {
					t.Fatal(err)
				}
				got := enc.AppendStamped([]byte("x"), tt.seq, tt.epoch)
				if diff := cmp.Diff("x"+want, string(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", c.Name(), diff)
				}
				m := decodeOne(t, c, got[1:])
				if m.Target != tt.event.Target || m.Headers["seq"] == "" {
					t.Errorf("%s decoded: %+v", c.Name(), m)
				}
			}
		})
	}
}

// A stamp may take the length over every boundary of its prefix and strings.
func TestStampedLengths(t *testing.T) {
	for _, size := range []int{0, 60, 70, 80, 90, 100, 16290, 16330, 65536} {
		for _, epoch := range []string{"e", strings.Repeat("e", 29), strings.Repeat("e", 30), strings.Repeat("e", 31), strings.Repeat("e", 300)} {
			for _, seq := range []uint64{0, 9, 10, 127, 128, 256, 65536, 1 << 32, 1<<64 - 1} {
				enc, err := MessagePack.EncodeInvocation(Event{Target: "t", Arguments: []byte(`["` + strings.Repeat("x", size) + `"]`), Meta: []byte(`{"a":1}`)})
				if err != nil {
					t.Fatal(err)
				}
				m := decodeOne(t, MessagePack, enc.AppendStamped(nil, seq, epoch))
				var meta struct {
					Seq    uint64 `json:"seq"`
					Cursor string `json:"cursor"`
					A      int    `json:"a"`
				}
				if err := MessagePack.Unmarshal(m.Arguments[1], &meta, NamesExact); err != nil {
					t.Fatal(err)
				}
				if meta.Seq != seq || meta.Cursor != m.Headers["cursor"] || meta.A != 1 {
					t.Errorf("seq %d, epoch of %d bytes: %+v", seq, len(epoch), meta)
				}
			}
		}
	}
}

func TestMetaBehindManyArguments(t *testing.T) {
	for _, n := range []int{14, 15, 16, 65535} {
		args := []byte("[0" + strings.Repeat(",0", n-1) + "]")
		for _, c := range []Codec{JSON, MessagePack} {
			enc, err := c.EncodeInvocation(Event{Target: "t", Arguments: args, Meta: []byte(`{}`)})
			if err != nil {
				t.Fatal(err)
			}
			if m := decodeOne(t, c, enc.AppendStamped(nil, 1, "e")); len(m.Arguments) != n+1 {
				t.Errorf("%s: %d arguments, want %d", c.Name(), len(m.Arguments), n+1)
			}
		}
	}
}

func TestEncodeInvocationRefuses(t *testing.T) {
	nested := strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1)
	for _, e := range []Event{
		{Target: "t"},
		{Target: "t", Arguments: []byte(`{}`)},
		{Target: "t", Arguments: []byte(`[1]2`)},
		{Target: "t", Arguments: []byte(`[1`)},
		{Target: "t", Arguments: []byte("[" + nested + "]")},
		{Target: "t", Arguments: []byte(`[]`), Meta: []byte(`[]`)},
		{Target: "t", Arguments: []byte(`[]`), Meta: []byte(`{`)},
		{Target: "t", Arguments: []byte(`[]`), Meta: []byte(``)},
	} {
		for _, c := range []Codec{JSON, MessagePack} {
			if enc, err := c.EncodeInvocation(e); err == nil {
				t.Errorf("%s: %.30s %s: %q", c.Name(), e.Arguments, e.Meta, enc.Append(nil))
			} else if !errors.Is(err, ErrJSON) && !errors.Is(err, errArguments) {
				t.Errorf("unknown error %v", err)
			}
		}
	}
}

// An encoded event shows a client the same as the ordinary encoder does.
func TestEncodedEqualsMessage(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		enc, err := c.EncodeInvocation(Event{Target: "a\"b", Arguments: []byte(`[1,"x",null]`)})
		if err != nil {
			t.Fatal(err)
		}
		m := decodeOne(t, c, enc.Append(nil))
		again, err := c.Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, decodeOne(t, c, again), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name(), diff)
		}
		if string(again) != string(enc.Append(nil)) {
			t.Errorf("%s: %q, encoder %q", c.Name(), enc.Append(nil), again)
		}
	}
}

func TestStampDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 1024)
	for _, c := range []Codec{JSON, MessagePack} {
		enc, err := c.EncodeInvocation(Event{Target: "t", Arguments: []byte(`[1]`), Meta: []byte(`{"id":"x"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { buf = enc.AppendStamped(buf[:0], 1<<63, "k7q2") }); n != 0 {
			t.Errorf("%s: %v allocations", c.Name(), n)
		}
	}
}
