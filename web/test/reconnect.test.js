import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HublineClient } from '../static/console/client/client.js';
import { FakeNet, connectedTo, event, offer, ready, settle } from './fakes.js';

async function start(options, prepare = () => {}) {
  const net = new FakeNet();
  prepare(net);
  const { client, log } = await connectedTo(net, HublineClient, options);
  client.connect();
  await settle();
  return { net, client, log };
}

async function live(net) {
  net.socket.deliver(ready());
  await net.clock.advance(10_000);
}

test('a lost connection comes back by itself and resumes after the cursor', async () => {
  const { net, client, log } = await start();
  await live(net);
  net.socket.deliver(event(11));
  net.socket.drop();
  assert.equal(client.state, 'waiting');
  assert.equal(log.state.at(-1).retryAt, net.clock.now + 500, 'half of the first bound of 1 s');
  await net.clock.advance(500);
  assert.equal(net.socket.url.search, '?since=e1-11&control=1&id=t2');
});

test('closing: the server\'s delay is obeyed, never undercut and hardly stretched', async () => {
  for (const random of [0, 0.999]) {
    const { net, client, log } = await start();
    net.random = () => random;
    await live(net);
    net.socket.deliver({ type: 'hubline.closing', data: { reason: 'drain', retryAfterMs: 7000 } });
    assert.equal(net.socket.closed, true);
    assert.deepEqual(log.closing, [{ reason: 'drain', retryAfterMs: 7000 }]);
    assert.equal(client.state, 'waiting');
    await net.clock.advance(6999);
    assert.equal(net.negotiates, 1);
    await net.clock.advance(1001);
    assert.equal(net.negotiates, 2);
  }
});

test('closing because replaced ends it: two tabs do not throw each other out for ever', async () => {
  const { net, client } = await start();
  await live(net);
  net.socket.deliver({ type: 'hubline.closing', data: { reason: 'replaced' } });
  assert.equal(client.state, 'stopped');
  await net.clock.advance(600_000);
  assert.equal(net.negotiates, 1);
});

test('closing because of expiry asks for a new token', async () => {
  const asked = [];
  const { net, client } = await start({ token: (fresh) => asked.push(fresh) && 'secret' });
  await live(net);
  net.socket.deliver({ type: 'hubline.closing', data: { reason: 'expiry', retryAfterMs: 100 } });
  assert.equal(client.state, 'waiting');
  await net.clock.advance(1100);
  assert.deepEqual(asked, [false, true]);
});

test('each good connection is worth a new token: expiry is survived for ever', async () => {
  const asked = [];
  const { net, client } = await start({ token: (fresh) => asked.push(fresh) && 'secret' });
  for (let i = 0; i < 3; i++) {
    await live(net);
    net.socket.deliver({ type: 'hubline.closing', data: { reason: 'expiry' } });
    await settle();
  }
  assert.deepEqual(asked, [false, true, true, true]);
  assert.equal(client.state, 'connecting');
});

test('a token refused twice in a row is final', async () => {
  const asked = [];
  const { net, client, log } = await start({ token: (fresh) => asked.push(fresh) && 'secret' }, (net) => {
    net.onNegotiate = (request) => request.json({ title: 'Unauthorized', detail: 'the token has expired' }, 401);
  });
  await net.clock.advance(600_000);
  assert.deepEqual(asked, [false, true]);
  assert.equal(client.state, 'stopped');
  assert.equal(log.state.at(-1).error.message, 'the token has expired');
  assert.equal(log.state.at(-1).error.status, 401);
});

test('a refused token is not posted again if there is no other', async () => {
  for (const [tokens, negotiates] of [[['one'], 1], [['one', 'two'], 2]]) {
    let asked = 0;
    const { net, client } = await start({ token: () => tokens[Math.min(asked++, tokens.length - 1)] }, (net) => {
      net.onNegotiate = (request) => request.json({ detail: 'no' }, 401);
    });
    await net.clock.advance(600_000);
    assert.equal(client.state, 'stopped');
    assert.equal(net.negotiates, negotiates);
    // A person may try again, perhaps with a server that has changed its mind.
    net.onNegotiate = undefined;
    client.connect();
    await settle();
    assert.equal(net.negotiates, negotiates + 1);
  }
});

test('a server that accepts with ready and then refuses the token is not hammered', async () => {
  const { net, client } = await start({ token: () => 'secret' });
  client.connect({ transport: 'LongPolling' });
  await settle();
  for (let i = 0; i < 20 && client.state !== 'stopped'; i++) {
    net.request.json({ events: [], cursor: 'e1-10', gap: null });
    await settle();
    net.request.json({}, 401);
    await settle();
  }
  assert.equal(client.state, 'stopped');
  assert.ok(net.negotiates <= 4, `${net.negotiates} negotiates`);
});

test('a refusal that repeating cannot change is final', async () => {
  for (const status of [400, 403]) {
    const { net, client } = await start({}, (net) => {
      net.onNegotiate = (request) => request.json({ detail: 'no' }, status);
    });
    await net.clock.advance(600_000);
    assert.equal(client.state, 'stopped');
    assert.equal(net.negotiates, 1);
  }
});

test('Retry-After of a busy server is obeyed', async () => {
  const { net, client } = await start({}, (net) => {
    net.onNegotiate = (request) => request.json({}, 503, { 'Retry-After': '20' });
  });
  assert.equal(client.state, 'waiting');
  await net.clock.advance(19_999);
  assert.equal(net.negotiates, 1);
  await net.clock.advance(1001);
  assert.equal(net.negotiates, 2);
});

test('waits grow to the cap and no further; a good connection starts them over', async () => {
  const { net, client, log } = await start({}, (net) => {
    net.random = () => 0.999999;
    net.onNegotiate = (request) => request.fail();
  });
  const waits = [];
  for (let i = 0; i < 8; i++) {
    assert.equal(client.state, 'waiting');
    waits.push(log.state.at(-1).retryAt - net.clock.now);
    await net.clock.advance(waits.at(-1));
  }
  assert.deepEqual(waits, [999, 1999, 3999, 7999, 15_999, 29_999, 29_999, 29_999]);

  net.onNegotiate = null;
  await net.clock.advance(30_000);
  await live(net);
  net.socket.drop();
  assert.equal(log.state.at(-1).retryAt - net.clock.now, 999);
});

test('a server that accepts and drops at once is met with growing waits', async () => {
  const { net, log } = await start({}, (net) => (net.random = () => 0.999999));
  const waits = [];
  for (let i = 0; i < 4; i++) {
    net.socket.deliver(ready());
    net.socket.drop();
    waits.push(log.state.at(-1).retryAt - net.clock.now);
    await net.clock.advance(waits.at(-1));
  }
  assert.deepEqual(waits, [999, 1999, 3999, 7999]);
});

test('retryNow ends a wait, and does nothing otherwise', async () => {
  const { net, client } = await start();
  client.retryNow();
  assert.equal(net.negotiates, 1);
  await live(net);
  net.socket.drop();
  client.retryNow();
  await settle();
  assert.equal(net.negotiates, 2);
  client.disconnect();
  client.retryNow();
  await settle();
  assert.equal(net.negotiates, 2);
  assert.equal(net.clock.pending, 0);
});

test('a negotiate that is never answered is given up', async () => {
  const { net, client } = await start({}, (net) => (net.onNegotiate = () => {}));
  await net.clock.advance(7999);
  assert.equal(client.state, 'connecting');
  await net.clock.advance(1);
  assert.equal(client.state, 'waiting');
  assert.equal(net.lastNegotiate.aborted, true);
});

test('a silent WebSocket is asked, and dropped only if it does not answer', async () => {
  const { net, client } = await start();
  net.socket.open();
  net.socket.deliver(ready());
  await net.clock.advance(20_000);
  assert.deepEqual(net.socket.sent, [{ type: 'ping' }]);
  net.socket.deliver({ type: 'pong' });
  await net.clock.advance(29_999);
  assert.equal(client.state, 'connected');
  await net.clock.advance(1);
  assert.equal(client.state, 'waiting');
  assert.equal(net.socket.closed, true);
});

test('a silent event stream is dropped; a comment is not silence', async () => {
  const { net, client } = await start();
  client.connect({ transport: 'ServerSentEvents' });
  await settle();
  net.request.stream();
  net.request.deliver(ready());
  await net.clock.advance(44_000);
  net.request.write(':\n\n');
  await net.clock.advance(44_999);
  assert.equal(client.state, 'connected');
  await net.clock.advance(1);
  assert.equal(client.state, 'waiting');
});

test('a transport the server does not offer is said to be missing, once', async () => {
  const { net, client, log } = await start({}, (net) => {
    net.onNegotiate = (request, ticket) => request.json(offer(ticket, 'e1-1', ['ServerSentEvents']));
  });
  client.connect({ transport: 'WebSockets' });
  await net.clock.advance(600_000);
  assert.equal(client.state, 'stopped');
  assert.match(log.state.at(-1).error.message, /does not offer WebSockets/);
});
