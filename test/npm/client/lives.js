import { client, connect, invoke, itemsOf, observe, quiet, unique } from './gohub.js';
import { equal, matches, refusal, within } from './support.js';

const closing = 'Server returned an error on close: Connection closed with an error.';
const canceled = 'Invocation canceled due to the underlying connection being closed.';
/** Starts, and resolves with the error that it is over with, be it start's or onclose's. */
async function ending(it) {
  let ended;
  const failed = new Promise((resolve) => (ended = resolve));
  it.hub.start().catch((error) => ended({ error }));
  return (await within(Promise.race([failed, it.closed]), 'end')).error?.message;
}

/** What OnConnected sends comes first; others hear of the client, also when it goes. */
export async function welcomes(world, form) {
  const who = unique('user');
  const watcher = await connect(world, form, { targets: ['joined', 'left'] });
  const it = await connect(world, form, { who, targets: ['welcome', 'heard'] });
  const id = it.hub.connectionId;
  equal(await invoke(it.hub, 'Greeting'), `hello ${who}`, 'what OnConnected has kept');
  equal(await it.inbox.take(1), [[`hello ${who}`, id]], 'what OnConnected has sent');
  equal(await watcher.inbox.take(1), [[id]], 'who joined');
  await within(it.hub.stop(), 'end of stop');
  equal(await within(it.closed, 'onclose'), { error: undefined }, 'onclose');
  equal(await watcher.inbox.take(1), [[id]], 'who left');
  equal(await invoke(watcher.hub, 'Noted', `gone ${id}`), 'well', 'what OnDisconnected was told');

  // The same client may start again, and is another connection then.
  await within(it.hub.start(), 'end of start');
  if (it.hub.connectionId === id) throw new Error('the connection id is still the same');
  equal(await invoke(it.hub, 'Echo', 'again'), 'again', 'answer after the second start');
  quiet(world);
}

/** OnConnected lets somebody not in: the client is told why, if that is for its eyes, and stays away. */
export async function refuses(world, form) {
  for (const [who, text] of [['teller', `${closing} HubException: not today`], ['panicker', closing]]) {
    let it, got;
    for (let tries = 0; tries < 5; tries++) {
      it = client(world, form, { who, path: '/refusing', retry: [0] });
      it.hub.onreconnecting(() => { throw new Error('the client comes back'); });
      got = await ending(it);
      // The client's first ping may come when all is over, if it is a POST. It is told that then, and not why.
      if (form.transport === 'WebSockets' || !/^(No Connection with that ID|Not Found): Status code '404'$/.test(got)) break;
    }
    equal(got, text, 'error');
    equal(it.hub.state, 'Disconnected', 'state');
  }
}

/** The hub ends the connection, and the client does not come back. */
export async function aborts(world, form) {
  const watcher = await connect(world, form);
  const it = await connect(world, form, { retry: [0] });
  let returns = 0;
  it.hub.onreconnecting(() => returns++);
  const { connectionId } = it.hub;
  const stream = observe(it.hub.stream('Endless', unique()));
  const answer = it.hub.invoke('Abort').then(() => 'answered', (err) => err.message);
  equal(await within(it.closed, 'onclose'), { error: undefined }, 'onclose');
  equal([it.hub.state, returns], ['Disconnected', 0], 'state and attempts to come back');
  equal(await refusal(stream.end, 'stream'), canceled, 'error of the stream');
  matches(await within(answer, 'end of Abort'), /^(answered|Invocation canceled .*)$/, 'end of Abort');
  equal(await invoke(watcher.hub, 'Noted', `gone ${connectionId}`), 'well', 'what OnDisconnected was told');
}

/** The client leaves while its calls run. */
export async function leaves(world, form) {
  const watcher = await connect(world, form);
  const it = await connect(world, form, { retry: [0] });
  const { connectionId } = it.hub;
  const pending = it.hub.invoke('Noted', unique());
  const stream = observe(it.hub.stream('Endless', unique()));
  await itemsOf(it.hub, 'Count', 1); // the others have arrived
  const refused = [refusal(pending, 'Noted'), refusal(stream.end, 'stream')];
  await within(it.hub.stop(), 'end of stop');
  equal(await within(it.closed, 'onclose'), { error: undefined }, 'onclose');
  equal(await Promise.all(refused), [canceled, canceled], 'errors of call and stream');
  equal(await invoke(watcher.hub, 'Noted', `gone ${connectionId}`), 'well', 'what OnDisconnected was told');
}

/** The line is cut without a goodbye: the client comes back as another connection. */
export async function comesBack(world, form, { gone = true } = {}) {
  const group = unique('group');
  const retry = { nextRetryDelayInMilliseconds: () => 20 };
  const it = await connect(world, form, { retry, path: '/brief' });
  const before = it.hub.connectionId;
  await invoke(it.hub, 'Join', group);
  const pending = refusal(it.hub.invoke('Noted', unique()), 'Noted');
  await within(it.hub.send('Nothing'), 'end of send');
  await world.ask('cut');
  await within(it.reconnecting, 'onreconnecting');
  await pending;
  await world.ask('mend');
  const after = await within(it.reconnected, 'onreconnected');
  if (after === before || after !== it.hub.connectionId) throw new Error(`connection ids ${before}, ${after}, ${it.hub.connectionId}`);
  equal(await invoke(it.hub, 'Echo', 'back'), 'back', 'answer of the new connection');
  await invoke(it.hub, 'ToGroups', 'lost', [group]);
  await invoke(it.hub, 'ToCaller', 'fence');
  equal(await it.inbox.take(1), [['fence']], 'messages: groups are lost');
  if (gone) equal(await invoke(it.hub, 'Noted', `gone ${before}`), 'well', 'what OnDisconnected was told');
}

/** The program is stopped and started again: clients of every form are told, and come back. */
export async function outlives(world, forms) {
  const retry = { nextRetryDelayInMilliseconds: () => 50 };
  const clients = await Promise.all(forms.map((form) => connect(world, form, { retry })));
  const before = clients.map(({ hub }) => hub.connectionId);
  const streams = clients.map(({ hub }) => observe(hub.stream('Endless', unique())));
  await Promise.all(clients.map(({ hub }) => itemsOf(hub, 'Count', 1)));
  await world.ask('down');
  for (const { reconnecting } of clients) equal(await within(reconnecting, 'onreconnecting'), undefined, 'why it reconnects');
  for (const { end } of streams) equal(await refusal(end, 'stream'), canceled, 'error of the stream');
  await world.ask('up');
  for (const [i, { hub, reconnected }] of clients.entries()) {
    await within(reconnected, 'onreconnected');
    if (hub.connectionId === before[i]) throw new Error('the connection id is still the same');
    equal(await invoke(hub, 'Echo', i), i, 'answer of the new program');
  }
}

/** What cannot be sent, and what is too large, ends the connection, and the client may come back. */
export async function comesBackAfterErrors(world, form) {
  const large = 'x'.repeat(32 << 10);
  const tooLarge = `${closing} InvalidDataException: The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.`;
  for (const [call, text] of [[['Unsendable'], closing], [['Echo', large], tooLarge]]) {
    const it = await connect(world, form, { retry: [0] });
    const before = it.hub.connectionId;
    const [answer, why] = [refusal(it.hub.invoke(...call), call[0]), within(it.reconnecting, 'onreconnecting')];
    equal((await why)?.message, text, 'why it reconnects');
    equal(await answer, text, 'error of the call');
    await within(it.reconnected, 'onreconnected');
    equal(await invoke(it.hub, 'Echo', 'back'), 'back', 'answer');
    matches(await invoke(it.hub, 'Noted', `gone ${before}`), /./, 'what OnDisconnected was told');
    // Without the wish to come back it is over.
    const other = await connect(world, form);
    other.hub.invoke(...call).catch(() => {});
    equal((await within(other.closed, 'onclose')).error?.message, text, 'onclose');
  }
}

/** A client to which nothing is said for too long gives up by itself. */
export async function timesOut(world, form) {
  const watcher = await connect(world, form);
  const it = await connect(world, form);
  const { connectionId } = it.hub;
  it.hub.serverTimeoutInMilliseconds = 1; // from the next message on
  it.hub.invoke('Echo', 1).catch(() => {});
  const { error } = await within(it.closed, 'onclose');
  equal(error?.message, 'Server timeout elapsed without receiving a message from the server.', 'onclose');
  matches(await invoke(watcher.hub, 'Noted', `gone ${connectionId}`), /^well$/, 'what OnDisconnected was told');
}

/** Clients that have pinged once, and then no more, are told to come back. */
export async function isTimedOut(world, forms) {
  await Promise.all(forms.map(async (form) => {
    const it = client(world, form, { path: '/strict' });
    it.hub.keepAliveIntervalInMilliseconds = 3_600_000;
    await within(it.hub.start(), 'end of start');
    equal((await within(it.closed, 'onclose')).error?.message, closing, 'onclose');
  }));
}
