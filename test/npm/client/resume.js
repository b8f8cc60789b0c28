import { numbers, numbersOf, range } from './samples.js';
import { equal, within } from './support.js';

/** A client that was cut off comes back with the cursor that it has, and gets what it missed. */
export async function resumes(world, form) {
  const who = await world.user();
  const { inbox, closed } = await world.client(who, form, { query: '?meta=1' }).start();
  await world.publish(who, numbers(5));
  const { cursor } = (await inbox.take(5)).at(-1).at(-1);

  await world.ask('cut');
  await within(closed, 'onclose after the cut');
  const missed = await world.publish(who, numbers(7, 5));
  await world.ask('mend');

  const back = world.client(who, form, { query: `?since=${encodeURIComponent(cursor)}&meta=1` });
  const said = [];
  back.hub.on('hubline.ready', (ready) => said.push(ready));
  back.hub.on('hubline.gap', (gap) => said.push(gap));
  await back.start();
  const calls = await back.inbox.take(7);
  equal(numbersOf(calls), range(7, 5), 'what was missed');
  equal(calls.map((call) => call.at(-1).cursor), missed.map((receipt) => receipt.cursor), 'cursors');
  equal(said.length, 1, 'control messages');
  equal([said[0].recovered, said[0].replayed], [true, 7], 'recovered and replayed');

  await world.publish(who, numbers(2, 12));
  equal(numbersOf(await back.inbox.take(2)), [12, 13], 'live events');
  equal(back.inbox.size, 0, 'events left over');
}

/** The same without any doing of the user: the URL is changed while the client reconnects. */
export async function resumesWhileReconnecting(world, form) {
  const who = await world.user();
  const retry = { nextRetryDelayInMilliseconds: () => 50 };
  const client = world.client(who, form, { query: '?meta=1', retry });
  const { hub, inbox } = client;
  let cursor;
  hub.on('sample', (...args) => void ({ cursor } = args.at(-1)));
  hub.onreconnecting(() => void (hub.baseUrl = `${world.url}/hubs/events?meta=1&since=${encodeURIComponent(cursor)}`));
  await client.start();
  const before = hub.connectionId;
  await world.publish(who, numbers(5));
  await inbox.take(5);

  await world.ask('cut');
  await within(client.reconnecting, 'onreconnecting');
  await world.publish(who, numbers(7, 5));
  await world.ask('mend');
  const after = await within(client.reconnected, 'onreconnected');
  if (after === before) throw new Error('the connection id is still the same');
  await world.publish(who, numbers(2, 12));
  equal(numbersOf(await inbox.take(9)), range(9, 5), 'what was missed, and what came then');
  equal(inbox.size, 0, 'events left over');
}

/** A device's place is kept by the server: where Ack has put it. */
export async function resumesDevice(world, form) {
  const who = await world.user({ device: 'phone' });
  const { hub, inbox, closed } = await world.client(who, form).start();
  const receipts = await world.publish(who, numbers(5));
  await inbox.take(5);
  await within(hub.invoke('Ack', receipts[4].cursor), 'answer to Ack');

  await world.ask('cut');
  await within(closed, 'onclose after the cut');
  await world.publish(who, numbers(3, 5));
  await world.ask('mend');
  const back = await world.client(who, form).start();
  equal(numbersOf(await back.inbox.take(3)), range(3, 5), 'what the device missed');
  equal(back.inbox.size, 0, 'events left over');
}

/** The server stops and comes back; the client does too, by itself. */
export async function reconnects(world, forms) {
  const who = await world.user();
  const retry = { nextRetryDelayInMilliseconds: () => 100 };
  const clients = await Promise.all(forms.map((form) => world.client(who, form, { retry }).start()));
  await world.publish(who, numbers(3));
  for (const { inbox } of clients) await inbox.take(3);

  await world.ask('down');
  for (const { reconnecting } of clients) await within(reconnecting, 'onreconnecting');
  await world.ask('up');
  for (const { reconnected } of clients) await within(reconnected, 'onreconnected');

  const [receipt] = await world.publish(who, numbers(2, 3));
  equal(receipt.delivered, clients.length, 'delivered');
  for (const { inbox } of clients) equal(numbersOf(await inbox.take(2)), [3, 4], 'events of the new server');
}

/** Where WebSockets and perhaps event streams do not get through, the client takes what does. */
export async function fallsBack(world) {
  const who = await world.user();
  const { inbox } = await world.client(who).start();
  await world.publish(who, numbers(3));
  equal(numbersOf(await inbox.take(3)), [0, 1, 2], 'events');
}
