import { connect, invoke, quiet, unique } from './gohub.js';
import { equal } from './support.js';

/** Three clients; of the second and the third it is the same user. */
async function crowd(world, form) {
  const [one, two] = [unique('user'), unique('user')];
  const clients = [];
  for (const who of [one, two, two]) clients.push(await connect(world, form, { who }));
  return { users: [one, two], clients, ids: clients.map(({ hub }) => hub.connectionId) };
}

/** Calls a method, and says who of the clients has heard the message. */
async function heard(clients, ids, method, ...args) {
  const [message, fence] = [unique('message'), unique('fence')];
  await invoke(clients[0].hub, method, message, ...args);
  // Messages of one client reach each other client in their order.
  await invoke(clients[0].hub, 'ToConnections', fence, ids);
  const who = [];
  for (const [i, { inbox }] of clients.entries()) {
    let [[text]] = await inbox.take(1);
    if (text === message) {
      who.push(i);
      [[text]] = await inbox.take(1);
    }
    equal(text, fence, `message behind, at client ${i}`);
  }
  return who;
}

/** Every way to choose who gets a message, among clients of one form. */
export async function reachesPeople(world, form) {
  const { users, clients, ids } = await crowd(world, form);
  const [group, other] = [unique('group'), unique('group')];
  await invoke(clients[0].hub, 'Join', group);
  await invoke(clients[1].hub, 'Join', group);
  await invoke(clients[0].hub, 'Join', other);
  await invoke(clients[0].hub, 'PutInto', ids[2], other);
  const cases = [
    [['ToCaller'], [0]],
    [['ToAll'], [0, 1, 2]],
    [['ToOthers'], [1, 2]],
    [['ToAllExcept', [ids[1], 'nobody']], [0, 2]],
    [['ToConnections', [ids[0], ids[2], 'nobody']], [0, 2]],
    [['ToUsers', [users[0]]], [0]],
    [['ToUsers', [users[1]]], [1, 2]],
    [['ToUsers', [...users, 'nobody']], [0, 1, 2]],
    [['ToGroups', [group]], [0, 1]],
    [['ToGroups', [group, other, 'no group']], [0, 1, 2]],
    [['ToGroupExcept', other, [ids[0]]], [2]],
    [['ToOthersInGroup', group], [1]],
    [['ToGroups', ['no group']], []],
  ];
  for (const [[method, ...args], want] of cases) {
    equal(await heard(clients, ids, method, ...args), want, `who heard ${method}(${JSON.stringify(args)})`);
  }

  await invoke(clients[1].hub, 'Leave', group);
  await invoke(clients[0].hub, 'TakeOut', ids[2], other);
  equal(await heard(clients, ids, 'ToGroups', [group]), [0], 'who heard it when one had left');
  equal(await heard(clients, ids, 'ToGroups', [other]), [0], 'who heard it when one was taken out');
  await invoke(clients[0].hub, 'Join', group);
  equal(await heard(clients, ids, 'ToGroups', [group, group]), [0], 'who heard it once');
  quiet(world);
}

/** One message for clients of every form. */
export async function reachesForms(world, forms) {
  const clients = [];
  for (const form of forms) clients.push(await connect(world, form));
  const group = unique('group');
  for (const { hub } of clients) await invoke(hub, 'Join', group);
  const message = { text: 'Größe 🚀\n', list: [1, -1.5, null], deeper: { n: 2 ** 40 } };
  await invoke(clients[0].hub, 'ToGroups', message, [group]);
  for (const { inbox } of clients) equal(await inbox.take(1), [[message]], 'message');
  quiet(world);
}
