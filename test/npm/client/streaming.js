import { connect, invoke, itemsOf, observe, quiet, unique } from './gohub.js';
import { range } from './samples.js';
import { equal, refusal, within } from './support.js';

/** Streams from channels and from sequences arrive whole and in order. */
export async function streams(world, form) {
  const { hub } = await connect(world, form);
  for (const n of [0, 1, 10, 1000]) equal(await itemsOf(hub, 'Count', n), range(n), `channel of ${n}`);
  equal(await itemsOf(hub, 'count', 2), [0, 1], 'name in another case');
  for (const item of [null, 0, '', 'Größe\n\u001e🚀', { a: [1, { b: null }] }]) {
    equal(await itemsOf(hub, 'Repeat', item, 3), [item, item, item], 'sequence');
  }
  // More than fits on the way, so that the server has to wait.
  const large = 'x'.repeat(5000);
  equal((await itemsOf(hub, 'Repeat', large, 300)).every((item) => item === large), true, 'large items');
  const many = await Promise.all(range(20).map((i) => itemsOf(hub, 'Count', 20 + i)));
  equal(many, range(20).map((i) => range(20 + i)), 'twenty streams at once');
  quiet(world);
}

/** How streams fail, and that the connection goes on. */
export async function streamsFail(world, form) {
  const { hub } = await connect(world, form);
  const detailed = (await connect(world, form, { path: '/detailed' })).hub;
  const producing = 'An error occurred on the server while streaming results.';
  const calling = (name) => `An unexpected error occurred invoking '${name}' on the server.`;
  const cases = [
    [['StreamFails', 0, true], [], `${producing} HubException: after 0`],
    [['StreamFails', 3, true], [0, 1, 2], `${producing} HubException: after 3`],
    [['StreamFails', 2, false], [0, 1], producing, ' Exception: a secret'],
    [['StreamPanics'], [1], producing, ' Exception: panic: a secret'],
    [['StreamFailsAtOnce'], [], `${calling('StreamFailsAtOnce')} HubException: no stream`],
    [['StreamIsNil'], [], "The value returned by the streaming method 'StreamIsNil' is not a ChannelReader<> or IAsyncEnumerable<>."],
    [['Add', 1, 2], [], "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation."],
    [['Nowhere'], [], "Failed to invoke 'Nowhere' due to an error on the server. HubException: Method does not exist."],
    [['Count', 'x'], [], "Failed to invoke 'Count' due to an error on the server.",
      ' InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.'],
    [['Count'], [], "Failed to invoke 'Count' due to an error on the server.",
      ' InvalidDataException: Invocation provides 0 argument(s) but target expects 1.'],
  ];
  for (const [call, items, text, detail = ''] of cases) {
    for (const [from, want] of [[hub, text], [detailed, text + detail]]) {
      const got = observe(from.stream(...call));
      equal(await refusal(got.end, `stream ${call}`), want, 'error');
      equal(got.items, items, 'items before the error');
    }
  }
  equal(await itemsOf(hub, 'Count', 3), [0, 1, 2], 'items of the next stream');
}

/** The server hears of it when a client loses interest, or goes. */
export async function streamsEnd(world, form) {
  const { hub, inbox } = await connect(world, form, { targets: ['streamcanceled'] });
  const { hub: watcher } = await connect(world, form);
  for (const method of ['Endless', 'EndlessSequence']) {
    const key = unique();
    let started;
    const first = new Promise((resolve) => (started = resolve));
    const stream = observe(hub.stream(method, key), started);
    await within(first, 'first item');
    stream.dispose();
    equal(await invoke(hub, 'Noted', key), 'canceled', 'what the server noted');
    if (method === 'Endless') equal(await inbox.take(1), [[key]], 'call behind the cancellation');
  }
  // Before the first item, too.
  const early = unique();
  observe(hub.stream('Endless', early)).dispose();
  equal(await invoke(watcher, 'Noted', early), 'canceled', 'what the server noted');

  const [left, cut] = [unique(), unique()];
  const streams = [left, cut].map((key) => observe(hub.stream('Endless', key)));
  streams[1].dispose();
  equal(await invoke(watcher, 'Noted', cut), 'canceled', 'what the server noted');
  await within(hub.stop(), 'end of stop');
  equal(await invoke(watcher, 'Noted', left), 'disconnected', 'what the server noted');
  equal(await refusal(streams[0].end, 'stream'), 'Invocation canceled due to the underlying connection being closed.', 'error');
}
