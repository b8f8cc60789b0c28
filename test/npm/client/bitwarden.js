import { numbers } from './samples.js';
import { equal } from './support.js';

// What the clients of the Bitwarden family set.
const theirs = {
  form: { protocol: 'messagepack', transport: 'WebSockets' },
  options: { skipNegotiation: true },
};

const item = {
  Id: '3f0c1f4e-53a7-4a0a-8f52-0d8b5d5b5a01', UserId: '8d1b7c1e-7f6c-4d2a-9a55-1f2f3a4b5c6d', OrganizationId: null,
  CollectionIds: ['c0ffee00-0000-4000-8000-000000000001'], RevisionDate: '2026-11-20T10:11:12.345678Z',
};

const updates = [
  { type: '0', contextId: 'an-app', data: item },
  { type: '5', data: { UserId: item.UserId, Date: '2026-11-20T10:11:12Z' } },
  { type: '11', contextId: 'an-app', data: { UserId: item.UserId, Date: '1999-12-31T23:59:59.5Z' } },
  { type: '102', data: { operation: 'export', step: 3, steps: [1, 2, 3], RevisionDate: null, note: 'Größe' } },
  { type: '999', data: { unknown: { Date: '2106-02-07T06:28:16Z' } } },
  { type: '0' },
];

/** A call's argument, for an update. In MessagePack dates under the family's names are times. */
function message({ type, contextId = null, data = null }, protocol) {
  const dates = new Set(protocol === 'messagepack' ? ['Date', 'RevisionDate', 'CreationDate', 'ReadDate', 'DeletedDate'] : []);
  const payload = JSON.parse(JSON.stringify(data), (key, value) =>
    (dates.has(key) && typeof value === 'string' ? new Date(value) : value));
  return { ContextId: contextId, Type: Number(type), Payload: payload };
}

/** ReceiveMessage, as the clients of the family read it. */
export async function updatesVaults(world, { form = theirs.form, options = theirs.options, path = '/notifications/hub' } = {}) {
  const who = await world.user();
  const { inbox } = await world.client(who, form, { path, options, targets: ['ReceiveMessage'] }).start();
  // What has no number for its type is not for these clients.
  await world.publish(who, [...updates, ...numbers(1), updates[1]]);
  const want = [...updates, updates[1]].map((update) => [message(update, form.protocol)]);
  const got = await inbox.take(want.length);
  equal(got, want, 'calls');
  equal(Object.keys(got[0][0]).sort(), ['ContextId', 'Payload', 'Type'], 'keys');
  if (form.protocol === 'messagepack' && !(got[0][0].Payload.RevisionDate instanceof Date)) {
    throw new Error('RevisionDate is not a Date');
  }
  equal(inbox.size, 0, 'events left over');
}

/** A vault that cannot be told everything is told to fetch everything. */
export async function announcesGap(world, { form = theirs.form, options = theirs.options } = {}) {
  const who = await world.user();
  await world.publish(who, updates.slice(0, 1));
  const { inbox } = await world.client(who, form, {
    path: '/notifications/hub', query: '?since=lost-7', options, targets: ['ReceiveMessage'],
  }).start();
  const [[gap], [update]] = await inbox.take(2);
  equal([gap.Type, gap.ContextId, gap.Payload.UserId], [5, null, who.user], 'SyncVault');
  if (form.protocol === 'messagepack' && !(gap.Payload.Date instanceof Date)) throw new Error('Date is not a Date');
  equal(update, message(updates[0], form.protocol), 'the update that there still is');
}
