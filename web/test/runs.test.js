import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Model } from '../static/console/state/model.js';
import { Progress, stalledMs } from '../static/console/state/progress.js';
import { RunLog } from '../static/console/state/runlog.js';
import { FakeLog } from './fakelog.js';
import { event } from './fakes.js';

const base = { operation: 'backup-export', fileName: 'a.zip', step: 'export_collect_data' };

function after(...list) {
  const progress = new Progress(20);
  for (const [ts, data] of list) progress.add({ event: { ...event(1, 'e1', { type: 'backup.progress', data: { ...base, ...data } }), ts }, origin: 'live' });
  return progress;
}

test('the stages of a run, with the time each took', () => {
  const [run] = after(
    [1000, { step: 'a', stageTitle: 'txt_backup_collect_data', percent: 0 }], [2000, { step: 'a', percent: 10 }],
    [3000, { step: 'b', percent: 40 }], [9000, { step: 'c', percent: 100, done: true, ok: true }]).list();
  assert.deepEqual(run.stages, [{ title: 'Collect data', at: 1000, fraction: 0 }, { title: 'B', at: 3000, fraction: 0.4 }]);
  assert.deepEqual([run.began, run.ts, run.state], [1000, 9000, 'ok']);
});

test('stages and texts are bounded', () => {
  const [run] = after(...Array.from({ length: 40 }, (_, i) => [i, { step: `s${i}`, stageDetail: 'x'.repeat(5000) }]),
    [50, { done: true, ok: false, error: 'y'.repeat(5000) }]).list();
  assert.deepEqual(run.stages.map(({ title }) => title), Array.from({ length: 12 }, (_, i) => `S${i + 28}`));
  assert.equal(run.steps, 41);
  assert.deepEqual([run.error.length, run.state], [2000, 'failed']);
});

test('a run that says nothing for a minute is stalled, until it goes on', () => {
  const progress = after([1000, { percent: 40 }]);
  assert.equal(progress.list(1000 + stalledMs - 1)[0].state, 'running');
  assert.equal(progress.list(1000 + stalledMs)[0].state, 'stalled');
  progress.add({ event: { ...event(2, 'e1', { type: 'backup.progress', data: { ...base, percent: 41 } }), ts: 90_000 }, origin: 'live' });
  assert.equal(progress.list(90_001)[0].state, 'running');
  const ended = after([0, { done: true, ok: true }], [0, { fileName: 'b', done: true, error: 'no' }]).list(1e9);
  assert.deepEqual(ended.map(({ state }) => state), ['failed', 'ok'], 'what has ended does not stall');
});

test('runs of one name that follow each other are runs of their own', () => {
  const list = after([0, { percent: 50 }], [1, { done: true, ok: false, error: 'full' }], [5000, { percent: 10 }], [6000, { done: true, ok: true }],
    [9000, { percent: 20 }]).list();
  assert.deepEqual(list.map(({ state, began }) => [state, began]), [['running', 9000], ['ok', 5000], ['failed', 0]]);
  assert.equal(new Set(list.map(({ id }) => id)).size, 3);
});

test('a run that was forgotten does not come back as another\u2019s', () => {
  const progress = new Progress(1);
  const add = (ts, data) => progress.add({ event: { ...event(1, 'e1', { type: 'backup.progress', data: { ...base, ...data } }), ts }, origin: 'live' });
  add(0, { fileName: 'a', percent: 40 });
  add(1, { fileName: 'b', percent: 10 });
  add(2, { fileName: 'a', percent: 50 });
  assert.deepEqual(progress.list().map(({ fileName, began }) => [fileName, began]), [['a', 2]]);
});

test('past runs are read from the log, and what is new is added', async () => {
  const log = new FakeLog();
  const report = (data) => log.add(1, { type: '13', data: { UserId: 'u', ...base, ...data } });
  log.add(2500);
  report({ step: 'export_collect_data' });
  report({ done: true, ok: false, error: 'disk full' });
  log.add(10);
  log.lose(1, 900);
  const runs = new RunLog((query) => log.read(query));
  assert.equal(await runs.update(), 2512);
  assert.deepEqual(runs.progress.list().map(({ state, error }) => [state, error]), [['failed', 'disk full']]);
  assert.equal(runs.partial, false);
  report({ fileName: 'b.zip' });
  const { calls } = log;
  await runs.update();
  assert.deepEqual(runs.progress.list().map(({ fileName, state }) => [fileName, state]), [['b.zip', 'running'], ['a.zip', 'failed']]);
  assert.ok(log.calls - calls <= 2, 'only what is new is read');
});

test('of a very long log the newest part is looked at', async () => {
  const log = new FakeLog();
  log.add(1, { type: 'backup.progress', data: base });
  log.add(20_000);
  const runs = new RunLog((query) => log.read(query));
  await runs.update();
  assert.deepEqual([runs.partial, runs.progress.list()], [true, []]);
});

test('a clock that is off makes no run stall', () => {
  const model = new Model();
  const hour = 3_600_000;
  const report = { event: { ...event(1, 'e1', { type: 'backup.progress', data: base }), ts: 5 * hour }, origin: 'live' };
  model.event(report, 4 * hour); // the server is an hour ahead
  assert.deepEqual(model.runs(4 * hour + 1000).map((x) => x[0]?.state ?? x), ['running', 5 * hour + 1000]);
  assert.equal(model.runs(4 * hour + stalledMs)[0][0].state, 'stalled');
});
