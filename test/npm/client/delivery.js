import { forms } from './hub.js';
import { argumentsOf, numbers, numbersOf, range, sampleCount, samples } from './samples.js';
import { equal, matches, refusal, within } from './support.js';

/** All samples arrive in order, with the arguments that they were published with, and nothing else does. */
export async function delivers(world, form) {
  const [who, other] = [await world.user(), await world.user()];
  const { hub, inbox } = await world.client(who, form).start();
  equal(hub.state, 'Connected', 'state');
  matches(hub.connectionId, /^[\w-]{22}$/, 'connectionId');

  await world.publish(other, numbers(1));
  const events = samples(sampleCount);
  await world.publish(who, events);
  equal(await inbox.take(events.length), events.map(argumentsOf), 'calls');

  await world.publish(who, ['{"type":"another","data":1}', '{"type":"SAMPLE","data":2}']);
  equal(await inbox.take(1), [[2]], 'targets, whatever their case');
  equal(inbox.size, 0, 'events left over');
}

/** The events of one user reach connections of every form, in the same order. */
export async function deliversToAll(world, wanted = forms) {
  const who = await world.user();
  const clients = await Promise.all(wanted.map((form) => world.client(who, form).start()));
  const [receipt] = await world.publish(who, numbers(200));
  equal(receipt.delivered, wanted.length, 'delivered');
  for (const [i, { inbox }] of clients.entries()) {
    equal(numbersOf(await inbox.take(200)), range(200), `events over ${JSON.stringify(wanted[i])}`);
  }
}

/** With meta=1 the last argument says which event it is. */
export async function tellsMeta(world, form) {
  const who = await world.user();
  const { inbox } = await world.client(who, form, { query: '?meta=1' }).start();
  const receipts = await world.publish(who, [
    { type: 'sample', data: { n: 1 } }, { type: 'sample', arguments: ['a', 'b'], id: 'my-own' },
  ]);
  const [[data, first], [a, b, second]] = await inbox.take(2);
  equal([data, a, b], [{ n: 1 }, 'a', 'b'], 'arguments before the last');
  for (const [i, meta] of [first, second].entries()) {
    const { id, seq, cursor } = receipts[i];
    const { ts, ...rest } = meta;
    equal(rest, { id, seq, cursor }, 'meta');
    if (!(Math.abs(Date.now() - ts) < 60_000)) throw new Error(`ts = ${ts}, and it is ${Date.now()}`);
  }
  equal([first.seq, second.seq, second.id], [1, 2, 'my-own'], 'seqs and id');
}

/** Without negotiation there is no connection id; all else is the same. */
export async function skipsNegotiation(world, { protocol }) {
  const who = await world.user();
  const form = { protocol, transport: 'WebSockets' };
  const { hub, inbox } = await world.client(who, form, { options: { skipNegotiation: true } }).start();
  equal(hub.connectionId, null, 'connectionId');
  await world.publish(who, samples(8));
  equal(await inbox.take(8), samples(8).map(argumentsOf), 'calls');
}

/** Paths are found whatever their case, also when negotiate's was another. */
export async function ignoresCase(world, form) {
  const who = await world.user();
  const { DefaultHttpClient, HttpClient } = world.signalR;
  class Lowercase extends HttpClient {
    #inner = new DefaultHttpClient({ log() {} });
    send(request) {
      const url = new URL(request.url);
      if (/negotiate$/i.test(url.pathname)) url.pathname = url.pathname.toLowerCase();
      return this.#inner.send({ ...request, url: url.href });
    }
    getCookieString(url) {
      return this.#inner.getCookieString(url);
    }
  }
  for (const httpClient of [undefined, new Lowercase()]) {
    const { inbox } = await world.client(who, form, { path: '/HUBS/Events', options: { httpClient } }).start();
    await world.publish(who, numbers(1));
    equal(numbersOf(await inbox.take(1)), [0], 'events');
  }
}

/** A client that would resume by itself is not granted it, and works. */
export async function declinesStatefulReconnect(world, form) {
  const who = await world.user();
  const { inbox } = await world.client(who, form, { stateful: true }).start();
  await world.publish(who, numbers(3));
  equal(numbersOf(await inbox.take(3)), [0, 1, 2], 'events');
}

/** The client itself refuses what cannot be. */
export async function hasNoBinaryServerSentEvents(world) {
  const who = await world.user();
  const { hub } = world.client(who, { protocol: 'messagepack', transport: 'ServerSentEvents' });
  const text = await refusal(hub.start(), 'start');
  matches(text, /'ServerSentEvents' does not support Binary\./, 'error');
}

/** What a client is told that has no token, or one that is not ours. */
export async function refusesStrangers(world, form) {
  const want = "Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'";
  for (const who of [{}, { token: 'not.a.token' }]) {
    const { hub } = world.client(who, form);
    equal(await refusal(hub.start(), 'start'), want, 'error');
  }
  if (form.transport === 'WebSockets') {
    const { hub } = world.client({}, form, { options: { skipNegotiation: true } });
    matches(await refusal(hub.start(), 'start'), /WebSocket failed to connect/, 'error');
  }
}

/** A page of an origin that is not allowed gets in by no way. */
export async function refusesOrigin(world, form) {
  const who = await world.user();
  const skips = form.transport === 'WebSockets' ? [false, true] : [false];
  for (const skipNegotiation of skips) {
    const { hub } = world.client(who, form, { options: { skipNegotiation } });
    const text = await refusal(hub.start(), 'start');
    matches(text, skipNegotiation ? /WebSocket failed to connect/ : /Failed to fetch/, 'error');
  }
}

/** Nothing happens for ten seconds, and the connection is still good. */
export async function staysWhenIdle(world, wanted = forms) {
  const who = await world.user();
  const idle = 10_000;
  const clients = wanted.map((form) => world.client(who, form));
  for (const { hub } of clients) {
    // Ten times the server's --ping-interval, five times its --client-timeout.
    hub.serverTimeoutInMilliseconds = 3000;
    hub.keepAliveIntervalInMilliseconds = 500;
  }
  await Promise.all(clients.map((client) => client.start()));
  const ended = clients.map(({ closed }, i) => closed.then(({ error }) => `${JSON.stringify(wanted[i])} was closed: ${error}`));
  const whole = within(Promise.race(ended), 'end', idle).then((text) => { throw new Error(text); }, () => {});
  await whole;
  await world.publish(who, numbers(1));
  for (const { inbox } of clients) equal(numbersOf(await inbox.take(1)), [0], 'events');
}
