import { connect, invoke, observe, quiet, unique } from './gohub.js';
import { range } from './samples.js';
import { equal, refusal, within } from './support.js';

function filled(world, ...items) {
  const subject = new world.signalR.Subject();
  return { subject, go: (end = () => subject.complete()) => { items.forEach((item) => subject.next(item)); end(); } };
}

/** Calls with a stream, whose items are sent when the call is on its way. */
function upload(world, hub, [name, ...args], items, error) {
  const { subject, go } = filled(world, ...items);
  const answer = hub.invoke(name, ...args.map((arg) => (arg === filled ? subject : arg)));
  go(error ? () => subject.error(error) : undefined);
  return within(answer, `answer to ${name}`);
}

/** Streams from the client, into channels and into sequences. */
export async function uploads(world, form) {
  const { hub } = await connect(world, form);
  equal(await upload(world, hub, ['Concat', filled], ['a', 'Größe', '', '🚀\n']), 'aGröße🚀\n', 'Concat');
  equal(await upload(world, hub, ['concat', filled], []), '', 'Concat of nothing');
  equal(await upload(world, hub, ['Sum', filled], range(200)), 19_900, 'Sum');
  const key = unique();
  const mixed = [null, 1, 'two', [3], { four: { five: 5.5 } }, true];
  equal(await upload(world, hub, ['Collect', filled, key], mixed), mixed, 'Collect');
  equal(await invoke(hub, 'Noted', key), 'complete', 'note');

  // Nobody waits for the answer.
  const { subject, go } = filled(world, 1, 2);
  await within(hub.send('Collect', subject, key), 'end of send');
  go();
  equal(await invoke(hub, 'Noted', key), 'complete', 'note of what was sent');

  // The method has seen enough; what still comes is dropped.
  const { subject: long } = filled(world);
  const first = invoke(hub, 'FirstOf', long);
  long.next('the first');
  equal(await first, 'the first', 'FirstOf');
  for (const i of range(3)) long.next(`too late ${i}`);
  long.complete();
  // At least one of those goes out with every other call.
  for (const i of range(10)) equal(await invoke(hub, 'Echo', i), i, 'the next calls');
  quiet(world);
}

/** Several streams at once: of one call, of many, and with a stream as the answer. */
export async function uploadsSeveral(world, form) {
  const { hub } = await connect(world, form);
  const [left, right] = [filled(world, 'a', 'b', 'c'), filled(world, '1', '2', '3')];
  const zipped = invoke(hub, 'Zip', left.subject, '-', right.subject);
  right.go();
  left.go();
  equal(await zipped, 'a-1;b-2;c-3;', 'two streams');

  const sums = await Promise.all(range(20).map((i) => upload(world, hub, ['Sum', filled], range(i))));
  equal(sums, range(20).map((i) => (i * (i - 1)) / 2), 'twenty calls');

  // Each item is answered before the next is sent.
  const { subject } = filled(world);
  let answered = () => {};
  const { items, end } = observe(hub.stream('Sums', subject), () => answered());
  for (const n of range(20)) {
    const answer = new Promise((resolve) => (answered = resolve));
    subject.next(n);
    await within(answer, `sum up to ${n}`);
  }
  subject.complete();
  await within(end, 'end of Sums');
  equal(items, range(20).map((n) => (n * (n + 1)) / 2), 'sums');
  quiet(world);
}

/** A stream that the client ends with an error, streams too many and too few. */
export async function uploadsFail(world, form) {
  const { hub } = await connect(world, form);
  const failed = (name) => `An unexpected error occurred invoking '${name}' on the server. HubException: `;
  for (const name of ['Concat', 'Sum']) {
    const text = await refusal(upload(world, hub, [name, filled], [], new Error('Something bad')), name);
    equal(text, `${failed(name)}Something bad`, 'error');
  }
  for (const [name, items] of [['Concat', ['a', 'b']], ['Sum', [1, 2]]]) {
    equal(await refusal(upload(world, hub, [name, filled], items, 'Something bad'), name), `${failed(name)}Something bad`, 'error');
  }
  const key = unique();
  await refusal(upload(world, hub, ['Collect', filled, key], [1], 'Something bad'), 'Collect');
  equal(await invoke(hub, 'Noted', key), 'ended with Something bad', 'what the method saw');

  // Nobody is there any more who could end it.
  const { hub: leaver } = await connect(world, form);
  const left = unique();
  const lost = refusal(leaver.invoke('Collect', filled(world).subject, left), 'Collect');
  equal(await invoke(hub, 'Noted', `begun ${left}`), 'yes', 'begin of Collect'); // else it is not begun any more
  await within(leaver.stop(), 'end of stop');
  await lost;
  equal(await invoke(hub, 'Noted', left), 'ended with The underlying connection was closed.', 'what the method saw');

  const { subject, go } = filled(world, 1, 2);
  const sums = observe(hub.stream('Sums', subject));
  go(() => subject.error('Something bad'));
  equal(await refusal(sums.end, 'Sums'), 'An error occurred on the server while streaming results. HubException: Something bad', 'error');

  equal(await refusal(upload(world, hub, ['Nothing', filled], []), 'Nothing'),
    `${failed('Nothing')}Client sent 1 stream(s), Hub method expects 0.`, 'a stream too many');
  equal(await refusal(invoke(hub, 'Concat'), 'Concat'),
    `${failed('Concat')}Client sent 0 stream(s), Hub method expects 1.`, 'a stream too few');
  equal(await upload(world, hub, ['Concat', filled], ['good']), 'good', 'the next stream');
}
