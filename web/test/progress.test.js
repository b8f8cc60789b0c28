import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProgress, humanize, operationName } from '../static/console/state/backupevent.js';
import { Progress } from '../static/console/state/progress.js';
import { event } from './fakes.js';

const received = (data, type = 'backup.progress', origin = 'live') => ({ event: event(1, 'e1', { type, data }), origin });
const base = { operation: 'backup-export', fileName: 'a.zip', step: 'export_collect_data' };

function after(...list) {
  const progress = new Progress();
  for (const data of list) progress.add(received(data));
  return progress.list();
}

test('a percentage wins, else the step\'s place, else the count of steps', () => {
  assert.equal(after({ ...base, percent: 40 })[0].fraction, 0.4);
  assert.equal(after({ ...base, percent: 140 })[0].fraction, 1);
  assert.equal(after({ ...base, percent: -1 })[0].fraction, 0);
  assert.equal(after(base)[0].fraction, 1 / 3);
  assert.equal(after({ ...base, operation: 'backup-remote-run', step: 'remote_run_verify_archive' })[0].fraction, 4 / 6);
  assert.equal(after({ ...base, step: 3, steps: 4 })[0].fraction, 0.75);
  const [run] = after({ ...base, step: 'a' }, { ...base, step: 'b' }, { ...base, step: 'b' });
  assert.deepEqual([run.fraction, run.steps], [null, 2]);
});

test('a bar does not fall back when a step says nothing of how far', () => {
  assert.equal(after({ ...base, percent: 40 }, { ...base, step: 'own' })[0].fraction, 0.4);
});

test('ends: done and ok, done and not ok, an error', () => {
  assert.deepEqual(after({ ...base, done: true, ok: true }).map(({ state, fraction }) => [state, fraction]), [['ok', 1]]);
  assert.equal(after({ ...base, done: true })[0].state, 'ok');
  assert.equal(after({ ...base, done: true, ok: false })[0].state, 'failed');
  const [failed] = after({ ...base, percent: 60 }, { ...base, step: 'export_failed', done: true, ok: false, error: 'disk full' });
  assert.deepEqual([failed.state, failed.error, failed.fraction], ['failed', 'disk full', 0.6]);
});

test('after its end the same file is a new run', () => {
  const [run] = after({ ...base, percent: 100, done: true, ok: true }, { ...base, step: 'x' });
  assert.deepEqual([run.state, run.fraction, run.steps], ['running', null, 1]);
});

test('a run whose reports have ceased does not stand at its percentage for ever', () => {
  const at = (ts, data) => ({ event: { ...event(1, 'e1', { type: 'backup.progress', data }), ts }, origin: 'live' });
  const progress = new Progress();
  const states = () => Object.fromEntries(progress.list().map(({ fileName, state }) => [fileName, state]));
  progress.add(at(0, { ...base, fileName: 'a', percent: 40 }));
  progress.add(at(9_999, { ...base, fileName: 'b', percent: 4 }));
  assert.deepEqual(states(), { a: 'running', b: 'running' }, 'two may run side by side');
  progress.add(at(10_000, { ...base, fileName: 'other kind', operation: 'backup-import' }));
  assert.equal(states().a, 'running');
  progress.add(at(10_000, { ...base, fileName: 'c', percent: 4 }));
  assert.deepEqual([states().a, states().b], ['interrupted', 'running']);
  progress.add(at(10_001, { ...base, fileName: 'a', percent: 44 }));
  assert.equal(states().a, 'running', 'it goes on after all');
  progress.add(at(10_002, { ...base, fileName: 'b', percent: 100, done: true }));
  progress.interrupt();
  assert.deepEqual(states(), { a: 'interrupted', b: 'ok', c: 'interrupted', 'other kind': 'interrupted' });
  assert.equal(progress.list()[0].fileName, 'b', 'only running ones come before the latest');
});

test('runs are told apart by operation, file and source, running ones come first', () => {
  const list = after({ ...base, fileName: 'run.zip' }, { ...base, fileName: 'done.zip', done: true },
    { ...base, fileName: 'run.zip', source: 's3' });
  assert.deepEqual(list.map(({ fileName, source }) => [fileName, source]), [['run.zip', 's3'], ['run.zip', ''], ['done.zip', '']]);
});

test('runs are bounded, the one longest silent makes room', () => {
  const list = after(...Array.from({ length: 6 }, (_, i) => ({ ...base, fileName: `${i}` })));
  assert.deepEqual(list.map(({ fileName }) => fileName), ['5', '4', '3', '2', '1']);
});

test('numeric types are progress only with the shape of progress', () => {
  const progress = new Progress();
  assert.equal(progress.add(received(base, '13')), true);
  assert.equal(progress.add(received({ ContextId: null, Type: 13, Payload: base }, '13')), true);
  assert.equal(progress.add(received(base, '102')), true);
  for (const data of [{ Id: 's', RevisionDate: 1 }, null, 'text', { ...base, fileName: 1 }, { ...base, step: {} }]) {
    assert.equal(progress.add(received(data, '13')), false);
  }
  assert.equal(progress.add(received(base, 'other')), false);
  assert.equal(progress.add(received(base, 'backup.progress', 'redelivery')), false, 'an old step moves no bar back');
});

test('translation keys become words', () => {
  assert.equal(humanize('txt_backup_collect_data'), 'Collect data');
  assert.equal(humanize('Packing the archive'), 'Packing the archive');
  assert.equal(humanize(undefined), '');
  assert.equal(operationName('backup-remote-run'), 'Remote run');
  assert.equal(operationName('export'), 'Export');
});

test('a progress event in a few words', () => {
  const describe = (data, type = 'backup.progress') => describeProgress(event(1, 'e1', { type, data }));
  assert.equal(describe({ ...base, percent: 40, stageTitle: 'txt_backup_collecting' }), 'a.zip · 40 % · Collecting');
  assert.equal(describe({ ...base, step: 'end', done: true, ok: false }), 'a.zip · failed · End');
  assert.equal(describe({ ...base, stageTitle: 'Done', done: true }), 'a.zip · Done');
  assert.equal(describe(base, 'other'), null);
  assert.equal(describe(null), null);
});
