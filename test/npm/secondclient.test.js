// A second, independent client (lib/secondclient.js): against the service, and against a Go program's hub.
import { after, before, describe, test } from 'node:test';
import { Inbox, equal, refusal, within } from './client/support.js';
import { GoStage } from './lib/gostage.js';
import { DefaultHttpPostClient, SignalrClient, firstValueFrom, take, toArray } from './lib/secondclient.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

/** A connection, with what comes for a target. */
async function connect(url, token, target = 'sample', options = {}) {
  const client = new SignalrClient(new DefaultHttpPostClient(), options);
  const connection = await within(firstValueFrom(client.connect(url, token)), 'connection');
  const inbox = new Inbox();
  connection.on(target).subscribe((args) => inbox.put(args));
  const call = (...args) => within(firstValueFrom(connection.invoke(...args)), `answer to ${args[0]}`);
  return { connection, inbox, call };
}

const items = (stream, n) => within(firstValueFrom(stream.pipe(n ? take(n) : (all) => all, toArray())), 'items');

describe('the service', () => {
  let stage;
  before(async () => { stage = await Stage.set({ flags: ['--ping-interval=1s', '--client-timeout=3s'] }); }, { timeout });
  after(() => stage?.close(), { timeout });

  test('events, replay, acknowledgement, channels and errors', { timeout }, async () => {
    const { user, token } = await stage.hubline.user();
    const { connection, inbox, call } = await connect(`${stage.url}/hubs/events`, token); // it knows no query of a hub's own
    equal(await call('Subscribe', `of-${user}`), null, 'result of Subscribe'); // sent before the handshake was answered
    const receipts = await stage.hubline.publish(user, [{ type: 'sample', data: { text: 'ü\u2028🚀' } }, { type: 'sample', arguments: ['a', null] }]);
    await stage.hubline.publishToChannel(`of-${user}`, [{ type: 'sample', data: 3 }]);
    equal(await inbox.take(3), [[{ text: 'ü\u2028🚀' }], ['a', null], [3]], 'arguments');
    const cursor = receipts[1].cursor.replace(/-2$/, '-3');
    equal(await call('Replay', receipts[0].cursor), { replayed: 2, gap: null, cursor }, 'answer to Replay');
    equal(await inbox.take(2), [['a', null], [3]], 'replayed');
    equal(await call('Ack', cursor), null, 'result of Ack');
    connection.send('Ack', cursor);
    equal(await refusal(call('Subscribe', 'private-x'), 'Subscribe'),
      "An unexpected error occurred invoking 'Subscribe' on the server. HubException: Forbidden: "
      + 'The token\'s claim "channels" does not name it, and the webhook, if there is one, has not allowed it.', 'error');
    equal(await refusal(call('Nowhere'), 'Nowhere'),
      "Failed to invoke 'Nowhere' due to an error on the server. HubException: Method does not exist.", 'error');
    equal((await items(connection.stream('StreamEvents', '0'), 3)).map((event) => event.seq), [1, 2, 3], 'streamed');
    equal(inbox.size, 0, 'events left over');
    connection.close();
    await stage.deeds.idle();
  });

  test('it stays connected, since it answers our pings', { timeout }, async () => {
    const { user, token } = await stage.hubline.user();
    // It counts as dead what it has not heard of for this long, and has no other clock.
    const { connection, inbox, call } = await connect(`${stage.url}/hubs/events`, token, 'sample', { timeout: 4000 });
    await call('Ack', '0');
    await stage.hubline.written(); // twice: longer than both sides wait for a sign
    await stage.hubline.written();
    equal(connection.opened, true, 'opened');
    await stage.hubline.publish(user, [{ type: 'sample', data: 1 }]);
    equal(await inbox.take(1), [[1]], 'event');
    connection.close();
  });

  test('a stranger is refused', { timeout }, async () => {
    equal(await refusal(connect(`${stage.url}/hubs/events`, 'no.good.token'), 'connect'), 'Unauthorized', 'error');
  });
});

describe('a Go program', () => {
  let stage;
  before(async () => { stage = await GoStage.set(); }, { timeout });
  after(() => stage?.close(), { timeout });

  test('calls, streams, cancellation, messages and headers', { timeout }, async () => {
    const { of } = await import('rxjs');
    const { connection, inbox, call } = await connect(`${stage.url}/hub`, undefined, 'heard', { headersFactory: () => of({ trace: 'ü' }) });
    equal(await call('Add', 2, 0.5), 2.5, 'sum');
    equal(await call('Echo', { a: [null, true, 'ü', -1.5e-7], b: {} }), { a: [null, true, 'ü', -1.5e-7], b: {} }, 'echo');
    equal(await call('Nothing'), null, 'nothing');
    equal(await items(connection.stream('Count', 5)), [0, 1, 2, 3, 4], 'items');
    equal(await refusal(items(connection.stream('StreamFails', 2, true)), 'StreamFails').then((text) => text.slice(0, 56)),
      'An error occurred on the server while streaming results.', 'error of a stream');
    const key = `key-${process.pid}`;
    equal(await items(connection.stream('Endless', key), 1), ['first'], 'items before the stream was left');
    equal(await call('Noted', key), 'canceled', 'how the stream ended');
    connection.send('ToCaller', 'message');
    equal(await inbox.take(1), [['message']], 'message');
    equal(await refusal(call('Fails', 'as told'), 'Fails'),
      "An unexpected error occurred invoking 'Fails' on the server. HubException: as told", 'error');
    equal(await Promise.all(Array.from({ length: 50 }, (_, i) => call('Echo', i))), Array.from({ length: 50 }, (_, i) => i), 'answers');
    connection.close();
  });
});
