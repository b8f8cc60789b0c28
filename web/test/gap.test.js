import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HublineClient } from '../static/console/client/client.js';
import { FakeNet, connectedTo, event, events, ready, settle } from './fakes.js';

const gap = (from, to, reason) => ({ type: 'hubline.gap', data: { from, to, reason } });

async function resumed(answers, head = 'e1-11') {
  const net = new FakeNet();
  const { client, log } = await connectedTo(net, HublineClient);
  client.connect();
  await settle();
  net.socket.deliver(ready(), event(11));
  client.disconnect();
  net.head = head;
  client.connect();
  await settle();
  assert.equal(net.socket.url.searchParams.get('since'), 'e1-11');
  net.socket.deliver(...answers);
  return { net, client, log };
}

for (const reason of ['evicted', 'expired', 'limit']) {
  test(`a gap (${reason}) is announced before what follows it, and the resume is not called recovered`, async () => {
    const order = [];
    const { client, log } = await resumed([
      ready({ cursor: 'e1-11', head: 42, oldest: 41, replayed: 2, recovered: false }), gap(12, 40, reason), ...events(41, 42), event(43),
    ]);
    order.push(...log.seqs());
    assert.deepEqual(log.gap, [{ from: 12, to: 40, reason }]);
    assert.deepEqual(order, [11, 41, 42, 43]);
    assert.equal(log.caughtup.length, 1);
    assert.deepEqual([log.caughtup[0].count, log.caughtup[0].recovered, log.caughtup[0].gap.to], [2, false, 40]);
    assert.equal(client.cursor, 'e1-43');
  });
}

test('after a gap with nothing behind it the cursor stands at its end, so it is not announced twice', async () => {
  const { client, log } = await resumed([ready({ cursor: 'e1-11', head: 40, recovered: false }), gap(12, 40, 'evicted')]);
  assert.equal(client.cursor, 'e1-40');
  assert.equal(log.caughtup[0].count, 0);
  assert.equal(log.caughtup[0].recovered, false);
});

test('a new epoch starts over: lower seqs are news', async () => {
  const { client, log } = await resumed([
    ready({ cursor: 'e1-11', head: 3, oldest: 1, replayed: 3, recovered: false }), gap(0, 0, 'epoch'), ...events(1, 3, 'e2'),
  ], 'e2-3');
  assert.deepEqual(log.seqs(), [11, 1, 2, 3]);
  assert.equal(client.cursor, 'e2-3');
});

test('ahead of the log: what comes next is news, whatever its seq', async () => {
  const { client, log } = await resumed([
    ready({ cursor: 'e1-11', head: 5, recovered: false }), gap(6, 11, 'ahead'), event(6),
  ]);
  assert.deepEqual(log.seqs(), [11, 6]);
  assert.equal(client.cursor, 'e1-6');
});

test('ahead of the log with a replay: the kept events are news although their seqs are lower', async () => {
  const { client, log } = await resumed([
    ready({ cursor: 'e1-11', head: 5, replayed: 2, recovered: false }), gap(6, 11, 'ahead'), event(4), event(5),
  ]);
  assert.deepEqual(log.seqs(), [11, 4, 5]);
  assert.equal(client.cursor, 'e1-5');
});

test('lost right after the gap, what follows it is asked for, and not the gap again', async () => {
  for (const [answer, since] of [[gap(0, 7, 'epoch'), 'e2-7'], [gap(6, 11, 'ahead'), 'e2-5']]) {
    const { net } = await resumed([ready({ cursor: 'e1-11', head: 9, replayed: 2, recovered: false }), answer], 'e2-9');
    net.socket.drop();
    await net.clock.advance(60_000);
    assert.equal(net.socket.url.searchParams.get('since'), since);
  }
});

test('a gap without usable numbers leaves the cursor, and the next event is news', async () => {
  const { client, log } = await resumed([ready({ cursor: 'e1-11', recovered: false }), gap(null, 'x', 'epoch'), event(3, 'e1')]);
  assert.deepEqual(log.seqs(), [11, 3]);
  assert.equal(client.cursor, 'e1-3');
});

test('a gap in the middle of a live stream is passed on', async () => {
  const { client, log, net } = await resumed([ready({ cursor: 'e1-11', head: 11 }), event(12)]);
  net.socket.deliver(gap(13, 20, 'evicted'), event(21));
  assert.equal(log.gap.length, 1);
  assert.equal(client.cursor, 'e1-21');
});

test('a replay shorter than announced ends with the first live event', async () => {
  const { log } = await resumed([ready({ cursor: 'e1-11', head: 20, replayed: 9 }), event(12), event(21)]);
  assert.deepEqual(log.event.slice(1).map(({ origin }) => origin), ['replay', 'live']);
  assert.equal(log.caughtup[0].count, 1);
});
