import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HublineClient } from '../static/console/client/client.js';
import { FakeNet, connectedTo, event, events, ready, settle } from './fakes.js';

async function start(transport = 'auto', prepare = () => {}) {
  const net = new FakeNet();
  prepare(net);
  const { client, log } = await connectedTo(net, HublineClient);
  client.connect({ transport });
  await settle();
  return { net, client, log };
}

test('auto: a refused WebSocket leads to SSE at once, with a ticket of its own', async () => {
  const { net, client, log } = await start();
  net.socket.onerror();
  await settle();
  assert.equal(net.request.url.searchParams.get('id'), 't2');
  assert.equal(net.request.headers.get('Accept'), 'text/event-stream');
  net.request.stream();
  net.request.deliver(ready(), event(11));
  await settle();
  assert.deepEqual(log.seqs(), [11]);
  assert.equal(log.ready[0].transport, 'ServerSentEvents');
  assert.ok(!log.states().includes('waiting'));
  assert.equal(client.state, 'connected');
});

test('auto: a WebSocket constructor that throws leads to SSE', async () => {
  const { net } = await start('auto', (net) => (net.socketError = new DOMException('mixed content')));
  assert.equal(net.sockets.length, 0);
  assert.equal(net.request.headers.get('Accept'), 'text/event-stream');
});

test('auto: a hanging upgrade and a buffering proxy lead to long polling after two timeouts', async () => {
  const { net, client, log } = await start();
  net.socket.open();
  await net.clock.advance(8000);
  assert.equal(net.socket.closed, true);
  net.request.stream();
  await net.clock.advance(8000);
  assert.equal(net.request.url.searchParams.get('wait'), '0');
  net.request.json({ events: [event(11)], cursor: 'e1-11', gap: null });
  await settle();
  assert.deepEqual(log.seqs(), [11], 'what was published since the first negotiate is not missed');
  assert.equal(log.ready[0].transport, 'LongPolling');
  assert.equal(client.state, 'connected');
});

test('auto: what did not get through is tried last for five minutes, then first again', async () => {
  const { net } = await start();
  net.socket.onerror();
  await settle();
  net.request.stream();
  net.request.deliver(ready());
  await net.clock.advance(10_000);
  net.request.end();
  await net.clock.advance(1000);
  assert.equal(net.sockets.length, 1, 'SSE comes first now');
  net.request.stream();
  for (let i = 0; i < 10; i++) {
    net.request.deliver(ready());
    await net.clock.advance(30_000);
  }
  net.request.end();
  await net.clock.advance(1000);
  assert.equal(net.sockets.length, 2, 'WebSocket has its chance again');
});

test('auto: when nothing gets through it waits, then begins with the best again', async () => {
  const { net, client } = await start();
  net.socket.onerror();
  await settle();
  net.request.json({}, 502);
  await settle();
  net.request.fail();
  await settle();
  assert.equal(client.state, 'waiting');
  await net.clock.advance(1000);
  assert.equal(net.sockets.length, 2);
});

test('auto: a busy server is waited for, not tried over another transport', async () => {
  const { net, client } = await start();
  net.socket.onerror();
  await settle();
  net.request.json({}, 503, { 'Retry-After': '5' });
  await settle();
  assert.equal(client.state, 'waiting');
  assert.equal(net.requests.length, 1);
});

test('auto: a server without negotiate fails no transport', async () => {
  const { net, client } = await start('auto', (net) => (net.onNegotiate = (request) => request.fail()));
  assert.equal(client.state, 'waiting');
  net.onNegotiate = null;
  await net.clock.advance(1000);
  assert.equal(net.sockets.length, 1);
});

test('a chosen transport is the only one tried', async () => {
  const { net, client } = await start('WebSockets');
  net.socket.onerror();
  await settle();
  assert.equal(client.state, 'waiting');
  assert.equal(net.requests.length, 0);
});

test('long polling: each poll acknowledges the last answer; the ticket first, then the token in the header', async () => {
  const { net, client, log } = await start('LongPolling');
  assert.equal(net.request.url.search, '?since=e1-10&wait=0&limit=1000&id=t1');
  assert.equal(net.request.headers.get('Authorization'), null);
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  assert.equal(client.state, 'connected');
  assert.equal(net.request.url.search, '?since=e1-10&wait=25&limit=1000');
  assert.equal(net.request.headers.get('Authorization'), 'Bearer secret');
  net.request.json({ events: events(11, 12), cursor: 'e1-15', gap: null });
  await settle();
  assert.equal(net.request.url.searchParams.get('since'), 'e1-15');
  assert.equal(client.cursor, 'e1-15');
  assert.deepEqual(log.seqs(), [11, 12]);
});

test('long polling: the first answer is the replay, its gap is announced', async () => {
  const { net, client, log } = await start('LongPolling');
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  client.disconnect();
  assert.equal(net.request.aborted, true);
  client.connect();
  await settle();
  net.request.json({ events: events(21, 22), cursor: 'e1-22', gap: { from: 11, to: 20, reason: 'expired' } });
  await settle();
  assert.deepEqual(log.gap, [{ from: 11, to: 20, reason: 'expired' }]);
  assert.deepEqual(log.event.map(({ origin }) => origin), ['replay', 'replay']);
  assert.equal(log.caughtup[0].recovered, false);
});

test('long polling: a replay of several pages is one replay', async () => {
  const { net, client, log } = await start('LongPolling');
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  client.disconnect();
  net.head = 'e1-1510';
  client.connect();
  await settle();
  net.request.json({ events: events(11, 1010), cursor: 'e1-1010', gap: null });
  await settle();
  assert.equal(log.caughtup.length, 0);
  net.request.json({ events: events(1011, 1510), cursor: 'e1-1510', gap: null });
  await settle();
  assert.equal(log.caughtup[0].count, 1500);
  assert.equal(log.caughtup[0].recovered, true);
});

test('long polling: short pages and events for other devices still end the replay at the head', async () => {
  const { net, client, log } = await start('LongPolling');
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  client.disconnect();
  net.head = 'e1-30';
  client.connect();
  await settle();
  net.request.json({ events: events(11, 12), cursor: 'e1-12', gap: null });
  await settle();
  assert.equal(log.caughtup.length, 0);
  net.request.json({ events: events(13, 14), cursor: 'e1-30', gap: null });
  await settle();
  assert.equal(log.caughtup[0].count, 4);
  assert.ok(log.event.every(({ origin }) => origin === 'replay'));
});

test('long polling: empty answers that do not wait cost one request a second', async () => {
  const { net } = await start('LongPolling');
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  assert.equal(net.requests.length, 2);
  await net.clock.advance(1000);
  assert.equal(net.requests.length, 3);
});

test('long polling: a poll that is never answered is a lost connection', async () => {
  const { net, client } = await start('LongPolling');
  net.request.json({ events: [], cursor: 'e1-10', gap: null });
  await settle();
  await net.clock.advance(34_999);
  assert.equal(client.state, 'connected');
  await net.clock.advance(1);
  assert.equal(client.state, 'waiting');
});
