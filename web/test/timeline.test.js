import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnotherEpoch, firstSeq, join, lastSeq, readWindow } from '../static/console/state/logwindow.js';
import { Timeline } from '../static/console/state/timeline.js';
import { FakeLog, random } from './fakelog.js';

const shape = (items) => items.map((item) => (item.kind === 'gap' ? `${item.from}..${item.to} ${item.reason}` : item.seq));
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('it begins at the newest end and is read backwards page by page', async () => {
  const log = new FakeLog();
  log.add(250);
  const timeline = new Timeline(log.read);
  await timeline.newest();
  assert.deepEqual(shape(timeline.items), range(151, 250));
  assert.deepEqual([timeline.atHead, timeline.atBeginning], [true, false]);
  await timeline.older();
  assert.deepEqual(shape(timeline.items), range(51, 250));
  await timeline.older();
  assert.deepEqual(shape(timeline.items), range(1, 250));
  assert.equal(timeline.atBeginning, true);
  const { calls } = log;
  await timeline.older();
  assert.equal(log.calls, calls, 'there is nothing to ask for');
});

test('an empty log', async () => {
  const log = new FakeLog();
  const timeline = new Timeline(log.read);
  await timeline.newest();
  assert.deepEqual([timeline.items, timeline.atHead, timeline.atBeginning], [[], true, true]);
  log.add(2);
  assert.equal(await timeline.look(), 2);
  assert.equal(timeline.atHead, false);
  await timeline.newer();
  assert.deepEqual(shape(timeline.items), [1, 2]);
});

test('what is gone stands as a gap in its place, with its reason, and once', async () => {
  const log = new FakeLog();
  log.add(300);
  log.lose(1, 40, 'evicted');
  log.lose(41, 120, 'limit');
  log.lose(150, 260, 'expired'); // longer than a page
  const timeline = new Timeline(log.read);
  await timeline.newest();
  while (!timeline.atBeginning) await timeline.older();
  assert.deepEqual(shape(timeline.items), ['1..40 evicted', '41..120 limit', ...range(121, 149), '150..260 expired', ...range(261, 300)]);
});

test('a log of which nothing is kept is one gap', async () => {
  const log = new FakeLog();
  log.add(30);
  log.lose(1, 30, 'expired');
  const timeline = new Timeline(log.read);
  await timeline.newest();
  assert.deepEqual(shape(timeline.items), ['1..30 expired']);
});

test('it holds so many items and lets go at the other end', async () => {
  const log = new FakeLog();
  log.add(1000);
  const timeline = new Timeline(log.read, { limit: 150, page: 100 });
  await timeline.newest();
  await timeline.older();
  assert.deepEqual(shape(timeline.items), range(801, 950));
  assert.equal(timeline.atHead, false);
  await timeline.newer();
  assert.deepEqual(shape(timeline.items), range(851, 1000));
  assert.equal(timeline.atHead, true);
  log.add(400);
  for (let i = 0; i < 10 && await timeline.newer(); i++) assert.ok(timeline.items.length <= 150);
  assert.deepEqual(shape(timeline.items), range(1251, 1400));
  await timeline.older();
  assert.deepEqual(shape(timeline.items), range(1151, 1300), 'read on from where it let go');
});

test('with a filter it looks further, in growing steps', async () => {
  const log = new FakeLog();
  log.add(3, { type: 'rare' });
  log.add(5000);
  const timeline = new Timeline((query) => log.read({ ...query, types: ['rare'] }));
  await timeline.newest();
  assert.deepEqual(shape(timeline.items), [1, 2, 3]);
  assert.ok(log.calls < 15, `${log.calls} calls`);
});

test('a filter that finds nothing gives up after a while, and goes on when asked', async () => {
  const log = new FakeLog();
  log.add(40_000);
  const timeline = new Timeline((query) => log.read({ ...query, types: ['none'] }));
  await timeline.newest();
  assert.deepEqual([timeline.items.length, timeline.atBeginning], [0, false]);
  const { low } = timeline;
  await timeline.older();
  assert.ok(timeline.low < low);
});

test('a log that begins anew is noticed, whatever is asked', async () => {
  const log = new FakeLog();
  log.add(200);
  const timeline = new Timeline(log.read);
  await timeline.newest();
  log.begin('e2');
  log.add(5);
  for (const call of ['older', 'newer', 'look']) await assert.rejects(timeline[call](), AnotherEpoch);
  await timeline.newest();
  assert.deepEqual(shape(timeline.items), range(1, 5));
});

test('gaps on both sides of a seam become one, those of other reasons do not', () => {
  const gap = (from, to, reason) => ({ kind: 'gap', from, to, reason });
  const event = (seq) => ({ kind: 'event', seq });
  assert.deepEqual(shape(join([event(1), gap(2, 5, 'limit')], [gap(6, 9, 'limit'), event(10)])), [1, '2..9 limit', 10]);
  assert.deepEqual(shape(join([gap(2, 5, 'limit')], [gap(6, 9, 'expired')])), ['2..5 limit', '6..9 expired']);
  assert.deepEqual(shape(join([], [event(1)])), [1]);
  assert.deepEqual(shape(join([event(1)], [])), [1]);
});

test('a server that does not come on is not asked for ever', async () => {
  const stuck = async () => ({ epoch: 'e1', head: 9, oldest: 1, events: [], cursor: 'e1-3', gap: null });
  const { reached } = await readWindow(stuck, { epoch: 'e1', after: 3, upTo: 9, limit: 10 });
  assert.equal(reached, 3);
});

// Whatever happens to the log, the list is one unbroken range: each seq of it is an
// event that was there when it was read, or in a gap, or not wanted.
test('random logs, moves and filters', async () => {
  const seed = Number(process.env.HUBLINE_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const dice = random(seed);
  for (let round = 0; round < 60; round++) {
    const log = new FakeLog();
    const types = dice(2) ? ['a'] : undefined;
    const timeline = new Timeline((query) => log.read({ ...query, types }), { limit: 30 + dice(100), page: 5 + dice(20) });
    const publish = () => {
      for (let i = dice(120); i > 0; i--) log.add(1, { type: dice(3) ? 'a' : 'b' });
    };
    publish();
    await timeline.newest();
    for (let move = 0; move < 30; move++) {
      const [kind, size] = [dice(5), 1 + dice(20)];
      if (kind === 0) publish();
      if (kind === 1 && log.head) {
        const from = 1 + dice(log.head);
        log.lose(from, Math.min(log.head, from + size), ['expired', 'limit'][dice(2)]);
      }
      if (kind === 2) await timeline.newer();
      if (kind >= 3) await timeline.older();
      check(timeline, log, types, `seed ${seed}, round ${round}, move ${move}`);
    }
  }
});

function check(timeline, log, types, where) {
  const { items, low, high } = timeline;
  const unwanted = (seq) => assert.ok(types && !types.includes(log.at(seq).type), `seq ${seq} is missing (${where})`);
  let next = low;
  for (const item of items) {
    for (; next < firstSeq(item); next++) unwanted(next);
    assert.equal(firstSeq(item), next, `order and no doubles (${where})`);
    if (item.kind === 'gap') for (let seq = item.from; seq <= item.to; seq++) assert.ok(log.at(seq).lost, `seq ${seq} is there (${where})`);
    else assert.equal(item.event.seq, item.seq);
    next = lastSeq(item) + 1;
  }
  for (; next <= high; next++) unwanted(next);
}
