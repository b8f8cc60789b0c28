import { numbers, numbersOf, range } from './samples.js';
import { deferred, equal, within } from './support.js';

// Clients that know nothing of cursors: no Ack, no since. Their tokens name a device.

const retry = { nextRetryDelayInMilliseconds: () => 50 };

/** Resolves when the hub tells of it the next time. */
function nextTime(hub, event) {
  const { promise, resolve } = deferred();
  hub[event](() => resolve()); // returns nothing
  return promise;
}

/** A client is cut off, at first before it has had anything, and gets what it missed each time, and no more. */
export async function missesNothing(world, form) {
  const who = await world.user({ device: 'phone' });
  await world.publish(who, numbers(2)); // from before the device is known
  let next = 2;
  const client = world.client(who, form, { retry });
  const { inbox } = await client.start();
  for (const live of [0, 5]) {
    await world.publish(who, numbers(live, next));
    equal(numbersOf(await inbox.take(live)), range(live, next), 'live events');
    await world.ask('confirmed', who);

    const away = nextTime(client.hub, 'onreconnecting');
    const back = nextTime(client.hub, 'onreconnected');
    await world.ask('cut');
    await within(away, 'onreconnecting');
    await world.publish(who, numbers(4, next + live));
    await world.ask('mend');
    await within(back, 'onreconnected');
    equal(numbersOf(await inbox.take(4)), range(4, next + live), 'what was missed');
    next += live + 4;
    await world.publish(who, numbers(1, next));
    equal(numbersOf(await inbox.take(1)), [next], 'an event behind');
    equal(inbox.size, 0, 'events left over');
    next++;
    await world.ask('confirmed', who);
  }
}

/** Where no sign of reading comes, what was read comes again with what was missed, in order. */
export async function getsItAgain(world, form) {
  const who = await world.user({ device: 'phone' });
  const { inbox, closed } = await world.client(who, form).start();
  await world.publish(who, numbers(3));
  await inbox.take(3);
  await world.ask('cut');
  await within(closed, 'onclose after the cut');
  await world.publish(who, numbers(2, 3));
  await world.ask('mend');
  const back = await world.client(who, form).start();
  equal(numbersOf(await back.inbox.take(5)), range(5, 0), 'everything since the device began');
  equal(back.inbox.size, 0, 'events left over');
}

/** The server is killed; one device had events before, and one had none. */
export async function survivesTheServer(world, forms) {
  const all = [];
  for (const form of forms) {
    for (const live of [0, 3]) {
      const who = await world.user({ device: 'phone' });
      const client = await world.client(who, form).start();
      await world.publish(who, numbers(live));
      await client.inbox.take(live);
      await world.ask('confirmed', who);
      all.push({ who, form, live, client });
    }
  }
  await world.ask('written');
  await world.ask('kill');
  for (const { client } of all) await within(client.closed, 'onclose after the kill');
  await world.ask('up');
  for (const { who, form, live } of all) {
    await world.publish(who, numbers(2, live));
    const { inbox } = await world.client(who, form).start();
    equal(numbersOf(await inbox.take(2)), range(2, live), `what was missed, ${form.protocol} over ${form.transport}`);
    equal(inbox.size, 0, 'events left over');
  }
}
