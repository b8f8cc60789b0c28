import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminAPI, CallError, wrongUser } from '../static/console/state/adminapi.js';
import { describeDevice } from '../static/console/state/devices.js';
import { parseFilters } from '../static/console/state/filters.js';
import { KeyRing } from '../static/console/state/keyring.js';
import { Poller } from '../static/console/state/poller.js';
import { ReplayPlan, parseReplay } from '../static/console/state/replayplan.js';
import { UserLog } from '../static/console/state/userlog.js';
import { FakeLog } from './fakelog.js';
import { FakeClock, settle } from './fakes.js';

function storage() {
  const map = new Map();
  return { map, getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value), removeItem: (key) => map.delete(key) };
}

function fetchThat(answer) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url, ...init });
    return typeof answer === 'function' ? answer(url, init) : answer;
  };
  return { fetch, asked };
}

test('the key travels in a header and never in a URL', async () => {
  const { fetch, asked } = fetchThat(() => Response.json({}));
  const api = new AdminAPI({ base: 'https://h/live/', fetch, key: () => 'hlk_secret' });
  await api.log('zoë/1', { since: 'e1-4', limit: 100, types: ['a', 'b'], device: '', from: 0, to: undefined });
  await api.devices('zoë/1');
  await api.replay('zoë/1', { since: '0', dryRun: true });
  assert.deepEqual(asked.map(({ method, url }) => `${method} ${url}`), [
    'GET https://h/live/api/v1/users/zo%C3%AB%2F1/events?since=e1-4&limit=100&types=a%2Cb&from=0',
    'GET https://h/live/api/v1/users/zo%C3%AB%2F1/devices',
    'POST https://h/live/api/v1/users/zo%C3%AB%2F1/replays',
  ]);
  for (const { headers, credentials, redirect } of asked) {
    assert.equal(headers.Authorization, 'Bearer hlk_secret');
    assert.deepEqual([credentials, redirect], ['omit', 'error'], 'no cookies, and the key goes nowhere else');
  }
});

test('a refusal says what the server says, and why it came to none', async () => {
  const call = (answer) => new AdminAPI({ base: 'https://h/', fetch: fetchThat(answer).fetch, key: () => 'k' }).devices('u');
  const problem = { type: '/problems/scope', title: 'Not allowed', detail: 'This call needs the scope read.' };
  await assert.rejects(call(() => Response.json(problem, { status: 403 })), (err) => {
    assert.deepEqual([err.status, err.type, err.message], [403, 'scope', 'Not allowed. This call needs the scope read.']);
    return err instanceof CallError;
  });
  await assert.rejects(call(() => new Response('<h1>Bad gateway', { status: 502 })), { status: 502, message: 'The server answered 502.' });
  await assert.rejects(call(() => new Response('{"half', { status: 200 })), { status: 0, message: 'The answer broke off.' });
  await assert.rejects(call(() => { throw new TypeError('fetch failed'); }), { status: 0, message: 'The server cannot be reached.' });
  for (const user of ['', '.', '..', 'é'.repeat(129)]) {
    assert.notEqual(wrongUser(user), '');
    await assert.rejects(new AdminAPI({ base: 'https://h/', fetch: assert.fail, key: () => 'k' }).devices(user), { status: 400 });
  }
  assert.equal(wrongUser('...'), '');
});

test('a pasted key is kept in this tab if that is wanted, and otherwise nowhere', async () => {
  const [store, { fetch, asked }] = [storage(), fetchThat(null)];
  const ring = new KeyRing({ base: 'https://h/', fetch, storage: store });
  assert.equal(await ring.begin({ demo: false, local: true }), false);
  assert.equal(await ring.begin({ demo: true, local: false }), false);
  assert.equal(asked.length, 0, 'a demo elsewhere is not asked for its key');
  for (const bad of ['', '  ', 'two words', 'schlüssel']) assert.notEqual(ring.paste(bad, true), '');
  assert.equal(ring.key, null);
  assert.equal(ring.paste(' Bearer hlk_1\n', false), '');
  assert.deepEqual([ring.key, ring.source, store.map.size], ['hlk_1', 'pasted', 0]);
  assert.equal(ring.paste('hlk_2', true), '');
  const next = new KeyRing({ base: 'https://h/', fetch, storage: store });
  assert.equal(await next.begin({ demo: true, local: true }), true);
  assert.equal(next.key, 'hlk_2', 'it wins over the demo\u2019s');
  assert.equal(next.paste('hlk_3', false), '');
  assert.equal(store.map.size, 0, 'the kept one is forgotten with it');
  next.end();
  assert.deepEqual([next.key, next.source], [null, null]);
});

test('the demo\u2019s key is asked for with a POST, and its refusal is no failure', async () => {
  const given = fetchThat(() => Response.json({ key: 'hlk_demo' }));
  const store = storage();
  const ring = new KeyRing({ base: 'https://h/live/', fetch: given.fetch, storage: store });
  assert.equal(await ring.begin({ demo: true, local: true }), true);
  assert.deepEqual([ring.key, ring.source, store.map.size], ['hlk_demo', 'demo', 0]);
  assert.deepEqual(given.asked.map(({ method, url }) => `${method} ${url}`), ['POST https://h/live/demo/key']);
  for (const answer of [() => Response.json({ title: 'no' }, { status: 403 }), () => Response.json({}), () => { throw new TypeError('away'); }]) {
    const refused = new KeyRing({ base: 'https://h/', fetch: fetchThat(answer).fetch, storage: storage() });
    assert.equal(await refused.begin({ demo: true, local: true }), false);
  }
});

test('filters: lists, whole minutes, and what is wrong with them', () => {
  const parse = (texts) => parseFilters({ types: '', device: '', from: '', to: '', ...texts });
  assert.deepEqual(parse({}).query, {});
  assert.deepEqual(parse({ types: ' a, b,,a ', device: 'phone' }).query, { types: ['a', 'b'], device: 'phone' });
  const minute = new Date('2026-11-29T10:40').getTime();
  assert.deepEqual(parse({ from: '2026-11-29T10:40', to: '2026-11-29T10:40' }).query, { from: minute, to: minute + 59_999 });
  assert.equal(parse({ from: '2026-11-29T10:41', to: '2026-11-29T10:40' }).wrong.field, 'to');
  assert.equal(parse({ from: 'soon' }).wrong.field, 'from');
  assert.equal(parse({ from: '1969-01-01T00:00' }).wrong.field, 'from');
  assert.equal(parse({ types: Array.from({ length: 65 }, (_, i) => i).join() }).wrong.field, 'types');
  assert.equal(parse({ types: 'é'.repeat(65) }).wrong.field, 'types');
});

test('a replay as the form says', () => {
  const parse = (texts) => parseReplay({ since: '', until: '', types: [], device: '', ...texts });
  assert.deepEqual(parse({}).body, { since: '0' });
  assert.deepEqual(parse({ since: ' k7q2-40 ', until: '57', types: ['a'], device: 'phone' }).body,
    { since: 'k7q2-40', until: '57', types: ['a'], device: 'phone' });
  for (const since of ['latest', 'k7q2', '-1', '007', 'a b-1']) assert.equal(parse({ since }).wrong.field, 'since', since);
  assert.equal(parse({ until: 'latest' }).wrong.field, 'until');
});

test('nothing is sent that was not shown, and that once', async () => {
  const calls = [];
  const shown = { epoch: 'e1', from: 3, to: 9, sent: 4, connections: [{}] };
  const plan = new ReplayPlan(async (body) => {
    calls.push(body);
    return shown;
  });
  await assert.rejects(plan.send());
  await plan.preview({ since: '2', types: ['a'], device: 'phone' });
  assert.equal(plan.sendable, true);
  await plan.send();
  assert.deepEqual(calls, [
    { since: '2', types: ['a'], device: 'phone', dryRun: true },
    { since: 'e1-2', until: 'e1-9', types: ['a'], device: 'phone', dryRun: false }, // what came since is not meant
  ]);
  await assert.rejects(plan.send(), 'sent twice');
  await plan.preview({ since: '0' });
  plan.drop();
  await assert.rejects(plan.send(), 'the form has changed');
  shown.sent = 0;
  await plan.preview({ since: '0' });
  assert.equal(plan.sendable, false, 'nobody is connected');
  await assert.rejects(plan.send());
  const failing = new ReplayPlan(async () => { throw new CallError('no'); });
  await assert.rejects(failing.preview({ since: '0' }));
  assert.equal(failing.sendable, false);
});

test('devices in words', () => {
  const describe = (more) => describeDevice(
    { device: 'phone', online: false, connections: 0, cursor: 'e1-4', lag: 6, lastSeen: 1000, ...more }, { epoch: 'e1', now: 3_601_000 });
  assert.deepEqual(describe({}), {
    name: 'phone', state: 'offline', connections: 'offline', cursor: 'e1-4', cursorKnown: true, lag: '6 events behind', behind: 'some',
    lastSeen: '1 h ago', lastSeenAt: 1000,
  });
  const online = describe({ online: true, connections: 2, lag: 0, lastSeen: 3_601_000 });
  assert.deepEqual([online.connections, online.lag, online.behind, online.lastSeen], ['2 connections', 'up to date', 'none', 'now']);
  const unknown = describe({ cursor: null, lag: null, lastSeen: null });
  assert.deepEqual([unknown.cursor, unknown.lag, unknown.behind, unknown.lastSeen], ['nothing confirmed', 'not known', 'unknown', 'not remembered']);
  assert.equal(describe({ cursor: 'e0-9', lag: null }).lag, 'of an earlier log');
});

test('polling: one call after the other, slower after failures, none after its end', async () => {
  const clock = new FakeClock();
  const started = [];
  let ok = true;
  const poller = new Poller(async (signal) => {
    started.push({ at: clock.now, signal });
    return ok;
  }, { everyMs: 1000, maxMs: 5000 }, clock);
  const begin = clock.now;
  poller.start();
  await clock.advance(2500);
  assert.deepEqual(started.map(({ at }) => at - begin), [0, 1000, 2000]);
  poller.start(); // at once, and the rhythm goes on from there
  await clock.advance(1000);
  assert.deepEqual(started.slice(3).map(({ at }) => at - begin), [2500, 3500]);
  ok = false;
  await clock.advance(20_000);
  assert.deepEqual(started.slice(5).map(({ at }) => at - begin), [4500, 6500, 10_500, 15_500, 20_500]);
  poller.stop();
  assert.equal(started.at(-1).signal.aborted, true);
  assert.equal(clock.pending, 0);
  await clock.advance(60_000);
  assert.equal(started.length, 10);
  ok = true;
  poller.start();
  await clock.advance(1000);
  assert.equal(started.length, 12, 'begun again, at its usual pace');
});

/** A user's API over a fake log. */
function apiOf(log, devices = []) {
  return {
    log: (user, query, signal) => {
      signal?.throwIfAborted();
      return log.read(query);
    },
    devices: async () => ({ epoch: log.epoch, head: log.head, devices }),
  };
}

const seqs = (view) => view.timeline.items.map(({ seq }) => seq);

test('a user\u2019s log is followed, held while somebody reads, and caught up with', async () => {
  const log = new FakeLog();
  log.add(3);
  const view = new UserLog(apiOf(log, [{ device: 'phone' }]), 'u', {});
  await view.update(false);
  assert.deepEqual([seqs(view), view.devices.devices.length], [[1, 2, 3], 1]);
  log.add(2);
  await view.update(true);
  assert.deepEqual([seqs(view), view.pending], [[1, 2, 3], 2]);
  await view.update(false);
  assert.deepEqual([seqs(view), view.pending], [[1, 2, 3, 4, 5], 0]);
  await view.older();
  log.add(1);
  await view.update(false);
  assert.deepEqual([view.following, view.pending, seqs(view).at(-1)], [false, 1, 5]);
  await view.follow();
  assert.deepEqual([view.following, view.pending, seqs(view).at(-1)], [true, 0, 6]);
  view.hold();
  log.add(1);
  await view.update(false);
  assert.deepEqual([view.pending, seqs(view).at(-1)], [1, 6]);
  await view.follow();
  log.add(5000);
  await view.update(false);
  assert.equal(seqs(view).at(-1), 5007);
  assert.ok(seqs(view).length <= 500);
});

test('a log that begins anew is read from its beginning', async () => {
  const log = new FakeLog();
  log.add(3, { type: 'backup.progress', data: { operation: 'o', fileName: 'f', step: 's' } });
  const view = new UserLog(apiOf(log), 'u', {});
  await view.update(false);
  assert.equal(view.runs.progress.list().length, 1);
  log.begin('e2');
  log.add(1);
  await view.update(false);
  await view.update(false);
  assert.deepEqual([view.restarts, view.timeline.epoch, seqs(view), view.runs.progress.list()], [1, 'e2', [1], []]);
});

test('another filter is another list; an ended view reads nothing any more', async () => {
  const log = new FakeLog();
  log.add(2);
  log.add(1, { type: 'b' });
  const view = new UserLog(apiOf(log), 'u', {});
  const update = view.update(false);
  view.filter({ types: ['b'] }); // while the other is still being read
  await update;
  await settle();
  await view.update(false);
  assert.deepEqual(seqs(view), [3]);
  view.end();
  await assert.rejects(view.update(false));
});

test('calls come one after the other, and a failed one does not stop the next', async () => {
  const log = new FakeLog();
  log.add(300);
  const api = apiOf(log);
  const view = new UserLog(api, 'u', {});
  await view.update(false);
  const { log: real } = api;
  api.log = async () => { throw new CallError('away'); };
  await assert.rejects(view.older());
  api.log = real;
  await Promise.all([view.older(), view.older(), view.update(false)]);
  assert.deepEqual(seqs(view), Array.from({ length: 300 }, (_, i) => i + 1));
});
