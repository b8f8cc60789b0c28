import { connect, invoke, itemsOf, observe, quiet, unique } from './gohub.js';
import { range } from './samples.js';
import { equal, refusal, within } from './support.js';

const texts = [
  '', 'abc', 'Grüße, 世界 – 🚀🇩🇪', 'שלום مرحبا', 'a\u001eb\u0000c\u007f', 'line\nline\r\nline\ttab "quoted" \\ /',
  '\u2028\u2029<script>&amp;', 'x'.repeat(31), 'x'.repeat(32), 'ü'.repeat(128), 'x'.repeat(30_000),
];
const numbers = [
  0, 1, -1, -32, -33, 127, 128, -128, -129, 255, 256, -32768, -32769, 65535, 65536, 2147483647, 2147483648,
  -2147483648, -2147483649, 4294967295, 4294967296, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER,
];
const fractions = [0.1, -1.5, 1e300, 5e-324, 1e21];
const others = [
  null, true, false, [], {}, [[], {}, [null]], { '': '' }, { nested: { list: [1, 'two', { three: 3.5 }], null: null }, ключ: 'значение' },
  range(100), Object.fromEntries(range(20).map((i) => [`key ${i}`, i])),
];

/** Values come back as they were sent. */
export async function answers(world, form) {
  const { hub } = await connect(world, form);
  equal(await invoke(hub, 'Nothing'), null, 'result of a function without one');
  equal(await invoke(hub, 'NoError'), null, 'result of a function with an error only');
  equal(await invoke(hub, 'Null'), null, 'null result');
  for (const value of [...texts, ...numbers, ...fractions, ...others]) {
    equal(await invoke(hub, 'Echo', value), value, 'echo');
  }
  for (const text of texts) equal(await invoke(hub, 'echotext', text), text, 'text');
  for (const n of numbers) equal(await invoke(hub, 'ECHOINT64', n), n, 'integer');
  equal(await invoke(hub, 'Add', 2, 1), 3, 'sum of integers');
  equal(await invoke(hub, 'Add', -2, 0.5), -1.5, 'sum of a fraction');
  for (const n of [0, 65_536, 1 << 20]) equal((await invoke(hub, 'Long', n)) === 'x'.repeat(n), true, `text of ${n} bytes`);
  equal(await invoke(hub, 'Limits'), [-(2 ** 63), 2 ** 63, 2 ** 64, 2147483647, -128, 2 ** 53], 'large integers');
  quiet(world);
}

/** Structs come back with their fields' own names, dates and bytes in the encoding's own form. */
export async function answersStructs(world, form) {
  const { hub } = await connect(world, form);
  const binary = form.protocol === 'messagepack';
  const bytes = (...list) => (binary ? Uint8Array.from(list) : globalThis.btoa(String.fromCharCode(...list)));
  const date = (text) => (binary ? new Date(text) : text);
  const none = {
    Text: '', Small: 0, Big: 0, Huge: 0, Ratio: 0, Yes: false, Nothing: null, Bytes: null, When: date('0001-01-01T00:00:00Z'),
    Names: null, Inner: null, Table: null, Any: null,
  };
  equal(await invoke(hub, 'EchoWhole', {}), none, 'struct of nothing');
  const inner = {
    ...none, Text: 'Größe 🚀', Small: -128, Big: Number.MIN_SAFE_INTEGER, Huge: Number.MAX_SAFE_INTEGER, Ratio: -0.25, Yes: true,
    Nothing: 'something', Bytes: bytes(0, 30, 255), When: date('2026-11-20T10:11:12.345Z'), Names: ['a', '', 'ü'], Table: { one: 1, 'b c': -2 },
    Any: { list: [1, 2.5, 'x', null, true], deeper: { n: 7 } },
  };
  const whole = { ...none, Inner: { ...inner, Inner: { ...none, Text: 'deep' } }, Any: [inner] };
  equal(await invoke(hub, 'EchoWhole', whole), whole, 'struct');
  const { Text, ...rest } = inner;
  equal(await invoke(hub, 'EchoWhole', { ...rest, unknown: { more: [1] } }), { ...inner, Text: '' }, 'struct with unknown fields');
  for (const text of ['1969-12-31T23:59:59.999Z', '2026-11-20T10:11:12Z', '2106-02-07T06:28:16Z', '2999-01-01T00:00:00.5Z']) {
    equal(new Date(await invoke(hub, 'EchoTime', new Date(text))), new Date(text), 'time');
  }
  const later = await invoke(hub, 'Later', new Date('2026-11-20T10:11:12Z'), 1500);
  equal(later, date('2026-11-20T10:11:13.5Z'), 'later time');
  for (const list of [[], [0], range(256), range(10_000).map((i) => i % 251)]) {
    equal(await invoke(hub, 'EchoBytes', bytes(...list)), bytes(...list), 'bytes');
  }
  if (binary) equal(await invoke(hub, 'Echo', Uint8Array.of(1, 2)), Uint8Array.of(1, 2), 'bytes for any');
  quiet(world);
}

/** send wants no answer, and gets none, not even an error; what was sent has been done before the next call. */
export async function sends(world, form) {
  const { hub, inbox } = await connect(world, form);
  const key = unique();
  for (const call of [['Nothing'], ['Fails', 'x'], ['Nowhere', 1], ['Panics'], ['Add', 'x'], ['Count', 3]]) {
    await within(hub.send(...call), `end of send(${call[0]})`);
  }
  await within(hub.send('Note', key, 'sent'), 'end of send');
  equal(await invoke(hub, 'Noted', key), 'sent', 'note');
  for (const i of range(100)) hub.send('ToCaller', i);
  equal(await inbox.take(100), range(100).map((i) => [i]), 'calls in their order');
  await within(hub.send('Flood', 1000), 'end of send');
  equal(await inbox.take(1000), range(1000).map((i) => [i]), 'a flood');
  quiet(world);
}

/** A client that does not wait for its own POSTs: all arrive, in whatever order. */
export async function sendsAtOnce(world, form) {
  const { hub, inbox } = await connect(world, form);
  await within(Promise.all(range(100).map((i) => hub.send('ToCaller', i))), 'end of 100 sends');
  const got = (await inbox.take(100)).map(([i]) => i);
  equal(got.sort((a, b) => a - b), range(100), 'calls');
  quiet(world);
}

/** Errors are worded as the client's users know them, and end nothing. Details are for developers. */
export async function tellsErrors(world, form) {
  const { hub } = await connect(world, form);
  const { hub: detailed } = await connect(world, form, { path: '/detailed' });
  const inside = (name) => `An unexpected error occurred invoking '${name}' on the server.`;
  const before = (name) => `Failed to invoke '${name}' due to an error on the server.`;
  const noMethod = ' HubException: Method does not exist.';
  const binding = ' InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.';
  const count = (n, want) => ` InvalidDataException: Invocation provides ${n} argument(s) but target expects ${want}.`;
  const cases = [
    [['Nowhere'], before('Nowhere') + noMethod],
    [['nö/where', 1, [2], null], before('nö/where') + noMethod],
    [['Add', 1], before('Add'), count(1, 2)],
    [['Nothing', 1, 2, 3], before('Nothing'), count(3, 0)],
    [['Add', 'one', 2], before('Add'), binding],
    [['Add', 1.5, 2], before('Add'), binding],
    [['EchoWhole', { Small: 128 }], before('EchoWhole'), binding],
    [['EchoTime', 'not a date'], before('EchoTime'), binding],
    [['Fails', 'for your eyes: Größe "🚀"'], `${inside('Fails')} HubException: for your eyes: Größe "🚀"`],
    [['FailsWithin'], inside('FailsWithin'), ' Exception: a secret'],
    [['Panics'], inside('Panics'), ' Exception: panic: a secret'],
    [['Guarded'], "Failed to invoke 'Guarded' because user is unauthorized"],
    [['Count', 1], "The client attempted to invoke the streaming 'Count' method with a non-streaming invocation."],
  ];
  for (const [call, text, detail = ''] of cases) {
    equal(await refusal(hub.invoke(...call), call[0]), text, `error of ${JSON.stringify(call)}`);
    equal(await refusal(detailed.invoke(...call), call[0]), text + detail, `detailed error of ${JSON.stringify(call)}`);
  }
  const { hub: root } = await connect(world, form, { who: 'root' });
  equal(await invoke(root, 'Guarded'), 'inside', 'answer to who may');
  equal(await invoke(hub, 'Echo', 'still here'), 'still here', 'answer after all errors');
  quiet(world);
}

/** Fifty calls in flight: each gets its own answer, in order, while a stream runs and after errors too. */
export async function keepsAnswersApart(world, form) {
  const { hub } = await connect(world, form);
  const ticks = observe(hub.stream('EndlessSequence', unique()));
  const order = [];
  const calls = range(50).map((i) => (i % 5 ? hub.invoke('Echo', { i, text: 'x'.repeat(i * 20) }) : hub.invoke('Fails', `${i}`)).then(
    (value) => order.push(value.i),
    (err) => order.push(Number(err.message.match(/\d+$/)[0])),
  ));
  await within(Promise.all(calls), 'end of 50 calls');
  equal(order, range(50), 'order of the answers');
  equal(ticks.items.findIndex(({ N }, i) => N !== i), -1, 'the stream meanwhile');
  ticks.dispose();
  quiet(world);
}

/** A plain call holds up the next one, but no stream; where four may run it takes four. */
export async function callsWait(world, form) {
  const [{ hub }, { hub: other }] = [await connect(world, form), await connect(world, form)];
  const [first, second] = [unique(), unique()];
  const order = [];
  const held = invoke(hub, 'Noted', first).then((text) => order.push(text));
  // What comes behind a call that waits for its turn would wait too.
  equal(await itemsOf(hub, 'Count', 3), [0, 1, 2], 'stream beside the call that runs');
  const behind = invoke(hub, 'Note', second, 'behind').then(() => order.push('behind'));
  equal(await invoke(other, 'HasNote', second), false, 'the call behind has run');
  await invoke(other, 'Note', first, 'held');
  await within(Promise.all([held, behind]), 'end of both calls');
  equal(order, ['held', 'behind'], 'order');

  const { hub: parallel } = await connect(world, form, { path: '/parallel' });
  const keys = range(3).map(() => unique());
  const waiting = keys.map((key) => invoke(parallel, 'Noted', key));
  for (const key of keys.toReversed()) await invoke(parallel, 'Note', key, key);
  equal(await Promise.all(waiting), keys, 'what three calls waited for');
}
