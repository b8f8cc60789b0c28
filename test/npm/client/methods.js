import { argumentsOf, numbers, numbersOf, range, samples } from './samples.js';
import { equal, matches, refusal, within } from './support.js';

const invoke = (hub, ...args) => within(hub.invoke(...args), `answer to ${args[0]}`);

/** Replay brings the events after a cursor again, and then its answer. */
export async function replays(world, form) {
  const who = await world.user();
  const { hub, inbox } = await world.client(who, form, { targets: ['sample'] }).start();
  const receipts = await world.publish(who, samples(20));
  await inbox.take(20);
  const head = receipts.at(-1).cursor;

  equal(await invoke(hub, 'Replay', receipts[11].cursor), { replayed: 8, gap: null, cursor: head }, 'answer');
  equal(inbox.size, 8, 'events before the answer');
  equal(await inbox.take(8), samples(20).slice(12).map(argumentsOf), 'replayed');

  for (const [since, n] of [[17, 3], ['17', 3], ['0', 20], [head, 0], [`${head}`.replace(/\d+$/, '19'), 1]]) {
    equal(await invoke(hub, 'replay', since), { replayed: n, gap: null, cursor: head }, `answer to Replay(${since})`);
    equal((await inbox.take(n)).length, n, 'replayed');
  }

  // A cursor of another life of the log.
  const answer = await invoke(hub, 'Replay', 'lost-7');
  equal(answer, { replayed: 20, gap: { from: 0, to: 0, reason: 'epoch' }, cursor: head }, 'answer');
  equal(await inbox.take(20), samples(20).map(argumentsOf), 'what there is');

  // Live events go on behind.
  await world.publish(who, numbers(3, 100));
  equal(numbersOf(await inbox.take(3)), range(3, 100), 'live events');
  equal(inbox.size, 0, 'events left over');
}

/** Errors are worded as the client's users know them, and end nothing. */
export async function answersErrors(world, form) {
  const who = await world.user();
  const { hub, inbox } = await world.client(who, form).start();
  const [{ cursor }] = await world.publish(who, numbers(1));
  await inbox.take(1);

  const cases = [
    [['Nowhere'], "Failed to invoke 'Nowhere' due to an error on the server. HubException: Method does not exist."],
    [['nö/where', 1, [2], null], "Failed to invoke 'nö/where' due to an error on the server. HubException: Method does not exist."],
    [['Replay'], "Failed to invoke 'Replay' due to an error on the server."],
    [['Replay', cursor, cursor], "Failed to invoke 'Replay' due to an error on the server."],
    [['Replay', { since: cursor }], "Failed to invoke 'Replay' due to an error on the server."],
  ];
  for (const [call, want] of cases) {
    equal(await refusal(hub.invoke(...call), call[0]), want, `error of ${JSON.stringify(call)}`);
  }
  for (const method of ['Replay', 'Ack']) {
    for (const wrong of ['no cursor', '', null, undefined]) {
      const text = await refusal(hub.invoke(method, wrong), method);
      matches(text, new RegExp(`^An unexpected error occurred invoking '${method}' on the server\\. HubException: malformed cursor`), 'error');
    }
  }

  const streamed = (method, ...args) => refusal(new Promise((resolve, reject) => {
    hub.stream(method, ...args).subscribe({ next() {}, complete: resolve, error: reject });
  }), `stream ${method}`);
  equal(await streamed('Replay', '0'),
    "The client attempted to invoke the non-streaming 'Replay' method with a streaming invocation.", 'error');
  equal(await streamed('Nowhere'),
    "Failed to invoke 'Nowhere' due to an error on the server. HubException: Method does not exist.", 'error');

  // send wants no answer, and gets none.
  for (const call of [['Ack', cursor], ['Nowhere', 1], ['Ack', 'no cursor'], ['Replay', cursor]]) {
    await within(hub.send(...call), `end of send(${call[0]})`);
  }
  equal(await invoke(hub, 'Ack', cursor), null, 'result of Ack');
  equal(world.log.filter((line) => /^(Error|Critical)/.test(line)), [], 'errors that the client logged');

  const answers = await Promise.all(range(20).map(() => invoke(hub, 'Replay', cursor)));
  equal(answers, range(20).map(() => ({ replayed: 0, gap: null, cursor })), 'answers to many calls at once');
  await world.publish(who, numbers(1, 1));
  equal(numbersOf(await inbox.take(1)), [1], 'events');
}

/** stop() ends without an error, and the same client can start again. */
export async function stopsCleanly(world, form) {
  const who = await world.user();
  const client = await world.client(who, form).start();
  const { hub, inbox, closed } = client;
  const before = hub.connectionId;
  await within(hub.stop(), 'end of stop');
  equal(await within(closed, 'onclose'), { error: undefined }, 'onclose');
  equal(hub.state, 'Disconnected', 'state');
  await world.ask('idle'); // the server has noticed

  await world.publish(who, numbers(1));
  await client.start();
  if (hub.connectionId === before) throw new Error('the connection id is still the same');
  await world.publish(who, numbers(1, 1));
  equal(numbersOf(await inbox.take(1)), [1], 'events after the second start');
  equal(world.log.filter((line) => /^(Error|Critical)/.test(line)), [], 'errors that the client logged');
}
