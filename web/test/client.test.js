import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HublineClient } from '../static/console/client/client.js';
import { FakeNet, connectedTo, event, events, ready, settle } from './fakes.js';

async function onWebSocket(options) {
  const net = new FakeNet();
  const { client, log } = await connectedTo(net, HublineClient, options);
  client.connect();
  await settle();
  net.socket.open();
  net.socket.deliver(ready());
  return { net, client, log };
}

test('the bearer token goes into the negotiate header and never into a URL', async () => {
  const { net } = await onWebSocket();
  assert.equal(net.lastNegotiate.method, 'POST');
  assert.equal(net.lastNegotiate.headers.get('Authorization'), 'Bearer secret');
  assert.equal(net.socket.url.href, 'wss://example.test/live/events?since=e1-10&control=1&id=t1');
});

test('events arrive live, move the cursor, and come once', async () => {
  const { net, client, log } = await onWebSocket();
  net.socket.deliver(event(11), event(12), event(12), event(11), event(13));
  assert.deepEqual(log.seqs(), [11, 12, 13]);
  assert.ok(log.event.every(({ origin }) => origin === 'live'));
  assert.equal(client.cursor, 'e1-13');
});

test('cut and resume on another transport replays what was missed and says so', async () => {
  const { net, client, log } = await onWebSocket();
  net.socket.deliver(event(11));
  client.disconnect();
  assert.equal(client.state, 'offline');
  assert.equal(net.socket.closed, true);
  await net.clock.advance(3_600_000);
  assert.equal(net.negotiates, 1, 'nothing is tried while cut off');

  client.connect({ transport: 'ServerSentEvents' });
  await settle();
  assert.equal(net.request.url.search, '?since=e1-11&id=t2');
  net.request.stream();
  await settle();
  await net.clock.advance(40);
  net.request.deliver(ready({ cursor: 'e1-11', head: 14, replayed: 3 }), ...events(12, 14), event(15));
  await settle();
  assert.deepEqual(log.event.map(({ event: { seq }, origin }) => [seq, origin]),
    [[11, 'live'], [12, 'replay'], [13, 'replay'], [14, 'replay'], [15, 'live']]);
  assert.deepEqual(log.caughtup, [{ count: 3, tookMs: 40, recovered: true, gap: null, transport: 'ServerSentEvents' }]);
});

test('a message of a connection that was left is ignored', async () => {
  const { net, client, log } = await onWebSocket();
  const old = net.socket;
  client.connect({ transport: 'ServerSentEvents' });
  old.deliver(event(11));
  old.drop();
  assert.deepEqual(log.seqs(), []);
  assert.equal(client.state, 'connecting');
});

test('duplicates across a change of transport are dropped, also in the replay count', async () => {
  const { net, client, log } = await onWebSocket();
  net.socket.deliver(...events(11, 13));
  client.connect({ transport: 'ServerSentEvents' });
  await settle();
  net.request.stream();
  net.request.deliver(ready({ cursor: 'e1-11', head: 14, replayed: 3 }), ...events(12, 14));
  await settle();
  assert.deepEqual(log.seqs(), [11, 12, 13, 14]);
  assert.equal(log.caughtup[0].count, 1);
});

test('a resume with nothing missed is caught up at once', async () => {
  const { net, client, log } = await onWebSocket();
  client.disconnect();
  client.connect();
  await settle();
  net.socket.deliver(ready());
  assert.equal(log.caughtup[0].count, 0);
  assert.equal(log.caughtup[0].recovered, true);
});

test('the first connect is no resume, and starts where negotiate stood', async () => {
  const { net, client, log } = await onWebSocket();
  assert.equal(log.ready[0].resumed, false);
  assert.equal(log.caughtup.length, 0);
  assert.equal(client.cursor, 'e1-10');
  assert.equal(net.socket.url.searchParams.get('since'), 'e1-10');
});

test('since 0 asks for everything kept and counts as a replay', async () => {
  const net = new FakeNet();
  const { client, log } = await connectedTo(net, HublineClient);
  client.connect({ since: '0' });
  await settle();
  assert.equal(net.socket.url.searchParams.get('since'), '0');
  net.socket.deliver(ready({ cursor: 'e1-0', head: 2, replayed: 2 }), event(1), event(2));
  assert.deepEqual(log.event.map(({ origin }) => origin), ['replay', 'replay']);
  assert.equal(log.caughtup[0].count, 2);
});

test('moving the cursor back hands events out again', async () => {
  const { net, client, log } = await onWebSocket();
  net.socket.deliver(...events(11, 13));
  client.connect({ since: 'e1-11' });
  await settle();
  net.socket.deliver(ready({ cursor: 'e1-11', head: 13, replayed: 2 }), event(12), event(13));
  assert.deepEqual(log.seqs(), [11, 12, 13, 12, 13]);
});

test('an operator\'s redelivery is handed out as such and moves nothing', async () => {
  const { net, client, log } = await onWebSocket();
  net.socket.deliver(event(11), event(3, 'e1', { replayed: true }), event(12));
  assert.deepEqual(log.event.map(({ event: { seq }, origin }) => [seq, origin]),
    [[11, 'live'], [3, 'redelivery'], [12, 'live']]);
  assert.equal(client.cursor, 'e1-12');
});

test('hubline.cursor moves the cursor of a quiet client, on SSE as an id without data', async () => {
  const { net, client, log } = await onWebSocket();
  net.socket.deliver({ type: 'hubline.cursor', data: { cursor: 'e1-40' } });
  assert.equal(client.cursor, 'e1-40');
  client.connect({ transport: 'ServerSentEvents' });
  await settle();
  net.request.stream();
  net.request.deliver(ready({ cursor: 'e1-40', head: 40 }));
  net.request.write(': keep-alive\n\nid: e1-55\n\n');
  await settle();
  assert.equal(client.cursor, 'e1-55');
  assert.deepEqual(log.cursor, [{ cursor: 'e1-40' }, { cursor: 'e1-55' }]);
  assert.deepEqual(log.seqs(), []);
});

test('seqs beyond 2^53 are told apart', async () => {
  const { net, log } = await onWebSocket();
  net.socket.deliver(event(1, 'e1', { cursor: 'e1-9007199254740993' }), event(2, 'e1', { cursor: 'e1-9007199254740992' }),
    event(3, 'e1', { cursor: 'e1-9007199254740994' }));
  assert.deepEqual(log.seqs(), [1, 3]);
});

test('member events have a seq and are events; replies and unknown control messages are not', async () => {
  const { net, log } = await onWebSocket();
  net.socket.deliver({ type: 'hubline.reply', data: { ref: '1', ok: true } }, { type: 'hubline.future', data: {} },
    event(11, 'e1', { type: 'hubline.member_joined' }));
  assert.deepEqual(log.seqs(), [11]);
});

test('a handler may disconnect in the middle of a batch', async () => {
  const { net, client, log } = await onWebSocket();
  client.on('event', () => client.disconnect());
  net.socket.deliver(...events(11, 13));
  assert.deepEqual(log.seqs(), [11]);
  assert.equal(client.cursor, 'e1-11');
  assert.equal(net.clock.pending, 0, 'no timer is left behind');
});

test('a throwing handler does not starve the others', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { net, client, log } = await onWebSocket();
  const last = [];
  client.on('event', () => {
    throw new Error('mine');
  });
  client.on('event', ({ event: { seq } }) => last.push(seq));
  net.socket.deliver(event(11));
  assert.deepEqual([log.seqs(), last], [[11], [11]]);
  assert.equal(console.error.mock.callCount(), 1);
});

test('connect refuses a transport that does not exist', async () => {
  const { client } = await onWebSocket();
  assert.throws(() => client.connect({ transport: 'toString' }), TypeError);
});
