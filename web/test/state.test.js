import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockTime, counter, over, plural, rate, span, summarize } from '../static/console/state/format.js';
import { explainGap } from '../static/console/state/gaps.js';
import { Model } from '../static/console/state/model.js';
import { Rate } from '../static/console/state/rate.js';
import { Stream } from '../static/console/state/stream.js';
import { Strip } from '../static/console/state/strip.js';
import { event } from './fakes.js';

const live = (seq, more) => ({ event: event(seq, 'e1', more), origin: 'live' });
const replay = (seq, more) => ({ event: event(seq, 'e1', more), origin: 'replay' });

test('the list holds 500 entries and counts on', () => {
  const stream = new Stream();
  for (let i = 1; i <= 500; i++) stream.addEvent(live(i), 0);
  assert.equal(stream.size, 500);
  stream.addEvent(live(501), 0);
  assert.equal(stream.size, 500);
  assert.equal(stream.events, 501);
  assert.equal(stream.after(0)[0].event.seq, 2);
  assert.equal(stream.after(0).at(-1).event.seq, 501);
});

test('a view that fell behind is given what is still there, in order', () => {
  const stream = new Stream(3);
  for (let i = 1; i <= 3; i++) stream.addEvent(live(i), 0);
  const key = stream.after(0).at(-1).key;
  assert.deepEqual(stream.after(key), []);
  stream.addMark('cut', { cursor: 'e1-3' }, 5);
  assert.deepEqual(stream.after(key).map(({ kind, cursor, at }) => [kind, cursor, at]), [['cut', 'e1-3', 5]]);
  for (let i = 4; i <= 9; i++) stream.addEvent(live(i), 0);
  assert.deepEqual(stream.after(key).map((entry) => entry.event.seq), [7, 8, 9]);
  stream.clear();
  assert.deepEqual(stream.after(0), []);
  stream.addEvent(live(10), 0);
  assert.deepEqual(stream.after(key).map((entry) => entry.event.seq), [10]);
});

test('a gap is remembered when the list has let go of it', () => {
  const stream = new Stream(2);
  stream.addMark('gap', { gap: { from: 1, to: 9, reason: 'evicted' } }, 0);
  for (let i = 10; i < 20; i++) stream.addEvent(live(i), 0);
  assert.ok(stream.after(0).every(({ kind }) => kind === 'event'));
  assert.equal(stream.gaps, 1);
  assert.equal(stream.lastGap.to, 9);
  stream.clear();
  assert.deepEqual([stream.gaps, stream.lastGap, stream.events], [0, null, 0]);
});

test('another epoch interrupts the runs that were going on', () => {
  const model = new Model();
  model.event(live(1, { type: 'backup.progress', data: { operation: 'backup-export', fileName: 'a', step: 1, percent: 40 } }), 0);
  model.gap({ from: 1, to: 2, reason: 'evicted' }, 1);
  assert.equal(model.progress.list()[0].state, 'running');
  model.gap({ from: 0, to: 0, reason: 'epoch' }, 2);
  assert.equal(model.progress.list()[0].state, 'interrupted');
});

test('the rate is that of the last five seconds', () => {
  const meter = new Rate();
  assert.equal(meter.perSecond(1000), 0);
  for (let ms = 10_000; ms < 15_000; ms += 100) meter.add(ms);
  assert.equal(meter.perSecond(14_999), 10);
  assert.equal(meter.perSecond(16_500), 6);
  assert.equal(meter.perSecond(60_000), 0);
});

test('a replay fills the hole of the time away in the picture', () => {
  const strip = new Strip();
  strip.add(live(1, { ts: 100_000 }), 100_000);
  strip.leave(101_000);
  strip.leave(102_000);
  assert.deepEqual(strip.view(103_000).away, [{ from: 2000, to: 0, gap: false }]);
  strip.enter(105_000);
  strip.add(replay(2, { ts: 103_000 }), 105_000);
  strip.gap();
  const { bars, away, peak } = strip.view(105_000);
  assert.deepEqual(bars.map(({ ago, live: l, replay: r }) => [ago, l, r]), [[5000, 1, 0], [2000, 0, 1]]);
  assert.deepEqual(away, [{ from: 4000, to: 0, gap: true }]);
  assert.equal(peak, 1);
  assert.deepEqual(strip.view(105_000, 60_000).bars.map(({ live: l, replay: r }) => [l, r]), [[1, 1]], 'wider bars add up');
  assert.deepEqual(strip.view(400_000), { bars: [], away: [], peak: 0 });
});

test('the picture keeps a minute, whatever the rate, and survives a wrong clock', () => {
  const strip = new Strip();
  for (let ms = 0; ms < 600_000; ms += 50) {
    strip.add(live(1, { ts: ms + 3_600_000 }), ms);
    if (ms % 1000 === 0) strip.view(ms);
  }
  const { bars } = strip.view(600_000);
  assert.ok(bars.length >= 118 && bars.length <= 123, String(bars.length));
  assert.ok(bars.every(({ ago }) => ago >= 0), 'an event of a clock ahead is not in the future');
});

test('the story of a cut: mark, replay, summary with the time away', () => {
  const model = new Model();
  model.state({ state: 'connecting' }, null, 0);
  model.state({ state: 'connected' }, 'e1-1', 10);
  model.ready({ transport: 'WebSockets', resumed: false }, 'e1-1', 10);
  model.event(live(2), 20);
  model.state({ state: 'offline' }, 'e1-2', 1000);
  model.state({ state: 'connecting' }, 'e1-2', 6000);
  model.state({ state: 'connected' }, 'e1-2', 6010);
  model.ready({ transport: 'LongPolling', resumed: true }, 'e1-2', 6010);
  model.gap({ from: 3, to: 4, reason: 'evicted' }, 6010);
  model.event(replay(5), 6011);
  model.caughtUp({ count: 1, tookMs: 11, recovered: false, transport: 'LongPolling' }, 6011);
  const entries = model.stream.after(0);
  assert.deepEqual(entries.map(({ kind }) => kind), ['start', 'event', 'cut', 'gap', 'event', 'caughtup']);
  assert.equal(entries.at(-1).awayMs, 5011);
  const figures = model.figures(6011);
  assert.equal(figures.since, 6010);
  assert.equal(figures.events, 2);
  assert.equal(figures.lastResume.count, 1);
  assert.equal(figures.perSecond, 0, 'replayed events are not the live rate');
});

test('lost and then cut is one absence with one mark', () => {
  const model = new Model();
  model.state({ state: 'connected' }, 'e1-1', 0);
  model.state({ state: 'waiting', error: new Error('broken') }, 'e1-1', 100);
  model.state({ state: 'connecting' }, 'e1-1', 200);
  model.state({ state: 'offline' }, 'e1-1', 300);
  const entries = model.stream.after(0);
  assert.deepEqual(entries.map(({ kind, error }) => [kind, error]), [['lost', 'broken']]);
});

test('a change of transport is marked as the user\'s doing', () => {
  const model = new Model();
  model.state({ state: 'connected' }, 'e1-1', 0);
  model.connecting({ state: 'connected', cursor: 'e1-1' }, 50);
  model.state({ state: 'connecting' }, 'e1-1', 50);
  assert.deepEqual(model.stream.after(0).map(({ kind }) => kind), ['moved']);
});

test('a gap is explained with its number, range and reason', () => {
  const many = explainGap({ from: 13, to: 40, reason: 'evicted' });
  assert.match(many.title, /28 events/);
  assert.equal(many.range, 'seq 13 to 40');
  assert.match(many.why, /bounded/);
  assert.match(explainGap({ from: 7, to: 7, reason: 'expired' }).title, /1 event cannot/);
  assert.equal(explainGap({ from: 7, to: 7, reason: 'expired' }).range, 'seq 7');
  const unknown = explainGap({ from: 9, to: 2, reason: 'new' });
  assert.match(unknown.title, /some events/);
  assert.equal(unknown.range, '');
  assert.match(explainGap({ from: 0, to: 7, reason: 'epoch' }).title, /begun anew/);
  assert.equal(explainGap({ from: 6, to: 11, reason: 'ahead' }).range, '');
  const whys = ['evicted', 'expired', 'epoch', 'ahead', 'limit', 'new'].map((reason) => explainGap({ reason }).why);
  assert.equal(new Set(whys).size, 6);
});

test('words for people', () => {
  assert.deepEqual([0, 1, 1200].map((n) => plural(n, 'event')), ['0 events', '1 event', '1,200 events']);
  assert.deepEqual([0, 7000, 750_000, 3_723_000].map(counter), ['0:00', '0:07', '12:30', '1:02:03']);
  assert.deepEqual([-5, 0, 40, 999, 1200, 59_949, 90_000, 7_200_000].map(span),
    ['0 ms', '0 ms', '40 ms', '999 ms', '1.2 s', '59.9 s', '2 min', '2 h']);
  assert.deepEqual([0, 0.4, 12.4, 1340].map(rate), ['0', '0.4', '12', '1,340']);
  assert.match(clockTime(1_763_596_800_041), /^\d\d:\d\d:\d\d\.041$/);
  assert.equal(clockTime(Number.NaN), '–');
  assert.equal(over('LongPolling'), 'over long polling');
});

test('a glance is one short line of any value, at a cost that does not grow with it', () => {
  assert.equal(summarize({ step: 3, tags: ['a', null], o: {} }), '{step: 3, tags: ["a", null], o: {}}');
  assert.equal(summarize('two\nlines'), '"two\\nlines"');
  assert.equal(summarize(undefined), 'undefined');
  assert.equal(summarize(true), 'true');
  for (const value of ['x'.repeat(1e6), Array(1e5).fill(1), { ['k'.repeat(1e5)]: 1 }]) {
    const text = summarize(value, 40);
    assert.equal(text.length, 40);
    assert.ok(text.endsWith('…'));
  }
  let deep = 0;
  for (let i = 0; i < 1000; i++) deep = [deep];
  assert.equal(summarize(deep, 40).length, 40);
});
