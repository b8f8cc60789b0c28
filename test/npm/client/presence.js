import { equal } from './support.js';

const joined = 'hubline.member_joined';
const left = 'hubline.member_left';

/** Members of a presence channel hear of one another, over any transport. */
export async function hearsOfMembers(world, form) {
  const [anna, bert] = [await world.user(), await world.user()];
  const channel = `presence-of-${anna.user}`;
  for (const { user } of [anna, bert]) await world.ask('enrol', channel, user);
  const watch = (target, query) => world.client(anna, form, { query, targets: [target] });
  const [comes, goes, quiet] = [watch(joined, '?control=1'), watch(left, '?control=1&meta=1'), watch(joined, '')];
  for (const client of [comes, goes, quiet]) await client.start();

  const about = [{ channel, user: bert.user }];
  const { hub } = await world.client(bert, form).start();
  equal(await comes.inbox.take(1), [about], 'who has joined');
  await hub.stop();
  equal(await goes.inbox.take(1), [about], 'who has left');
  await hub.start();
  equal(await comes.inbox.take(1), [about], 'who is back');

  await hub.invoke('Unsubscribe', channel);
  equal(await goes.inbox.take(1), [about], 'whose membership has ended');
  equal(quiet.inbox.size, 0, 'what a client is told that has not asked');
}
