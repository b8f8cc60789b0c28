import { numbers, numbersOf, range } from './samples.js';
import { deferred, equal, refusal, within } from './support.js';

const invoke = (hub, ...args) => within(hub.invoke(...args), `answer to ${args[0]}`);

/** A channel that nobody else uses. */
const channelOf = (who, prefix = '') => `${prefix}news-of-${who.user}`;

/** What a member is sent, and until when. */
export async function joinsAndLeaves(world, form) {
  const [who, other] = [await world.user(), await world.user()];
  const channel = channelOf(who);
  const { hub, inbox } = await world.client(who, form, { query: '?meta=1' }).start();
  const neighbour = await world.client(other, form, { query: '?meta=1' }).start();

  equal(await invoke(hub, 'Subscribe', channel), null, 'result of Subscribe');
  equal(await invoke(hub, 'subscribe', channel), null, 'result of Subscribe once more');
  const [receipt] = await world.ask('toChannel', channel, numbers(2));
  equal([receipt.members, receipt.delivered], [1, 1], 'members and connections');
  await world.publish(who, numbers(1, 2));
  const calls = await inbox.take(3);
  equal(numbersOf(calls), range(3), 'events');
  const metas = calls.map((call) => call.at(-1));
  equal(metas.map((meta) => meta.channel ?? null), [channel, channel, null], 'channels in meta');
  equal(metas.map((meta) => meta.seq), [1, 2, 3], 'seqs');
  equal(metas[0].id, receipt.id, 'id');

  equal(await invoke(neighbour.hub, 'Subscribe', channel), null, 'result of Subscribe');
  equal(await invoke(hub, 'Unsubscribe', channel), null, 'result of Unsubscribe');
  equal(await invoke(hub, 'Unsubscribe', channel), null, 'result of Unsubscribe once more');
  await world.ask('toChannel', channel, numbers(1, 3));
  await world.publish(who, numbers(1, 4));
  equal(numbersOf(await inbox.take(1)), [4], 'events of who has left');
  const [[event, meta]] = await neighbour.inbox.take(1);
  equal([event.n, meta.channel, meta.seq], [3, channel, 1], 'event of who is in');
  equal([inbox.size, neighbour.inbox.size], [0, 0], 'events left over');
}

/** Who may not join is told why, and stays connected. */
export async function needsLeave(world, form, path = '/hubs/events') {
  const mine = `private-${Math.random().toString(36).slice(2)}`;
  const who = await world.user({ channels: `${mine}-*` });
  const { hub, inbox } = await world.client(who, form, { path, targets: ['sample', 'ReceiveMessage'] }).start();
  const forbidden = 'Forbidden: The token\'s claim "channels" does not name it, and the webhook, if there is one, has not allowed it.';
  const badName = "Missing or invalid channel name: A channel's name is 1 to 164 of A-Z a-z 0-9 _ - = @ , . ; :";
  const thrown = (method) => `An unexpected error occurred invoking '${method}' on the server. HubException: `;
  const unbound = (method) => `Failed to invoke '${method}' due to an error on the server.`;
  for (const [call, want] of [
    [['Subscribe', `${mine}`], thrown('Subscribe') + forbidden],
    [['Subscribe', 'presence-here'], thrown('Subscribe') + forbidden],
    [['Subscribe', 'no name'], thrown('Subscribe') + badName],
    [['Subscribe', ''], thrown('Subscribe') + badName],
    [['Unsubscribe', 'x'.repeat(165)], thrown('Unsubscribe') + badName],
    [['Subscribe'], unbound('Subscribe')],
    [['Subscribe', 'a', 'b'], unbound('Subscribe')],
    [['Unsubscribe', ['a']], unbound('Unsubscribe')],
    [['Subscribe', 7], unbound('Subscribe')],
  ]) {
    equal(await refusal(hub.invoke(...call), call[0]), want, `error of ${JSON.stringify(call)}`);
  }
  const channel = `${mine}-room`;
  equal(await invoke(hub, 'Subscribe', channel), null, 'result of Subscribe, by the claim');
  await within(hub.send('Subscribe', `${mine}`), 'end of send'); // gets no answer
  const [receipt] = await world.ask('toChannel', mine, [{ type: '1' }]);
  equal(receipt.members, 0, 'members of the channel that was refused');
  await world.ask('toChannel', channel, [{ type: path === '/hubs/events' ? 'sample' : '1', data: { n: 1 } }]);
  const [[got]] = await inbox.take(1);
  equal(got.n ?? got.Payload.n, 1, 'event');
  equal(inbox.size, 0, 'events left over');
  equal(hub.state, 'Connected', 'state');
}

/** The hub of the Bitwarden family has the methods too. */
export async function joinsVaults(world, form, path = '/notifications/hub') {
  const who = await world.user();
  const channel = channelOf(who);
  const { hub, inbox } = await world.client(who, form, { path, targets: ['ReceiveMessage'] }).start();
  const message = (n) => ({ type: '102', contextId: 'an-app', data: { n } });
  equal(await invoke(hub, 'Subscribe', channel), null, 'result of Subscribe');
  await world.ask('toChannel', channel, [message(1)]);
  equal(await inbox.take(1), [[{ ContextId: 'an-app', Type: 102, Payload: { n: 1 } }]], 'call');
  equal(await invoke(hub, 'Unsubscribe', channel), null, 'result of Unsubscribe');
  await world.ask('toChannel', channel, [message(2)]);
  await world.publish(who, [message(3)]);
  equal((await inbox.take(1))[0][0].Payload.n, 3, 'event behind');
  equal(inbox.size, 0, 'events left over');
}

const retry = { nextRetryDelayInMilliseconds: () => 50 };

/** A member that is cut off stays one, and gets what the channel was sent meanwhile. */
export async function staysThroughReconnects(world, form) {
  const who = await world.user({ device: 'phone' });
  const channel = channelOf(who);
  const client = world.client(who, form, { retry });
  const { hub, inbox } = await client.start();
  await invoke(hub, 'Subscribe', channel);
  const back = deferred();
  hub.onreconnected(() => back.resolve());
  await world.ask('cut');
  await within(client.reconnecting, 'onreconnecting');
  const [{ members }] = await world.ask('toChannel', channel, numbers(3));
  equal(members, 1, 'members while nobody is connected');
  await world.ask('mend');
  await within(back.promise, 'onreconnected');
  await world.ask('toChannel', channel, numbers(2, 3));
  equal(numbersOf(await inbox.take(5)), range(5), 'what was missed, and what came then');
  equal(inbox.size, 0, 'events left over');
}

/** Who has had the answer is a member after kill -9, and who has left is none. */
export async function staysThroughKills(world, forms) {
  const all = [];
  for (const form of forms) {
    const who = await world.user({ device: 'phone' });
    const [kept, left] = [channelOf(who), channelOf(who, 'old-')];
    const { hub } = await world.client(who, form).start();
    all.push({ hub, who, form, kept, left });
  }
  await world.ask('written'); // the devices have begun
  for (const { hub, kept, left } of all) {
    await invoke(hub, 'Subscribe', left);
    await invoke(hub, 'Unsubscribe', left);
    await invoke(hub, 'Subscribe', kept);
  }
  await world.ask('kill'); // at once
  await world.ask('up');
  for (const { who, form, kept, left } of all) {
    await world.ask('toChannel', kept, numbers(1)); // before the client is back
    const { inbox } = await world.client(who, form).start();
    await world.ask('toChannel', left, numbers(1, 1));
    await world.ask('toChannel', kept, numbers(1, 2));
    equal(numbersOf(await inbox.take(2)), [0, 2], `events, ${form.protocol} over ${form.transport}`);
    equal(inbox.size, 0, 'events left over');
  }
}
