// The console's view for administrators, against the real server.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AdminPage } from './lib/admin.js';
import { noChromium } from './lib/chromium.js';
import { Console } from './lib/console.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;
const readKey = `hlk_${randomUUID()}`;

let stage;
let key;
let dir;
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'hubline-keys-'));
  const keys = path.join(dir, 'keys');
  await writeFile(keys, `looker read sha256:${createHash('sha256').update(readKey).digest('hex')}\n`);
  stage = await Stage.set({ allow: false, flags: ['--demo', '--log-events=600', '--durability=memory', `--api-key-file=${keys}`] });
  key = await stage.hubline.key();
}, { timeout });
after(async () => {
  await stage?.close();
  await rm(dir, { recursive: true, force: true });
}, { timeout });

let users = 0;
/** A user nobody else has, with events. */
async function userWith(...events) {
  const user = `admin-${++users}`;
  await stage.hubline.publishBatch(user, events);
  return user;
}

const many = (n, more = {}) => Array.from({ length: n }, (_, i) => ({ type: 'n', data: { i }, ...more }));
const range = (from, to) => Array.from({ length: from - to + 1 }, (_, i) => from - i);
const progress = (data, type = 'backup.progress') => ({ type, data: { operation: 'backup-export', fileName: 'home.zip', ...data } });

function closing(t, page) {
  t.after(() => page.close());
  return page;
}

/** What went wrong on the page, but for refused calls, of which the browser complains itself. */
const wrong = (page) => page.wrong.filter((text) => !/status of 40[13]/.test(text));

describe('administration', { skip: noChromium }, () => {
  test('the demo\u2019s own page needs no key', { timeout }, async (t) => {
    const page = closing(t, await AdminPage.open(stage));
    await page.opened('demo');
    await page.text('#key-note', 'demo');
    assert.equal((await page.run('nightly-001.tar.zst')).stages.includes('Collecting'), true);
    const kept = await page.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href]));
    assert.doesNotMatch(kept, /hlk_/);
    assert.deepEqual(page.wrong, []);
  });

  test('the timeline is read backwards to a gap, and holds so many rows', { timeout }, async (t) => {
    const user = await userWith(...many(640));
    const page = closing(t, await AdminPage.openAs(stage, user, key));
    await page.sees(640);
    assert.deepEqual(await page.rows(), range(640, 541));
    assert.equal(await page.older(), true);
    assert.deepEqual(await page.rows(), range(640, 441));
    while (await page.older()) assert.ok(await page.domRows() <= 501, 'rows, and the heading of the day');
    const rows = await page.rows();
    assert.equal(rows.length, 500);
    assert.deepEqual(rows, [...range(539, 41), 'seq 1 to 40 · reason: limit']);
    await page.text('.gap-bar', '40 events are gone');
    assert.match(await page.text('#log-note'), /newer ones are not shown/);
    await page.press('Show 101 new');
    await page.sees(640);
    assert.ok(await page.domRows() <= 501);
    await page.press('Following');
    await stage.hubline.publish(user, many(3));
    await page.press('Show 3 new');
    await page.sees(643);
    await page.page.getByRole('button', { name: 'Following', pressed: true }).waitFor();
    assert.deepEqual(wrong(page), []);
  });

  test('an event that is being read does not move away', { timeout }, async (t) => {
    const user = await userWith({ type: 'order.paid', data: { order: 7, lines: [{ sku: 'A-1' }] } });
    const page = closing(t, await AdminPage.openAs(stage, user, key));
    await page.page.locator('#log summary').click();
    assert.equal(await page.text('#log .inside pre'), JSON.stringify({ order: 7, lines: [{ sku: 'A-1' }] }, null, 2));
    await stage.hubline.publish(user, many(2));
    await page.text('#log-follow', 'Show 2 new');
    assert.deepEqual(await page.rows(), [1]);
    await page.press('Show 2 new');
    await page.sees(3);
  });

  test('filters by type, device and time', { timeout }, async (t) => {
    const user = await userWith({ type: 'a', data: 1 }, { type: 'b', data: 2 }, { type: 'a', data: 3, device: 'phone' }, { type: 'c', data: 4, device: 'desk' });
    const page = closing(t, await AdminPage.openAs(stage, user, key));
    await page.sees(4);
    const filter = async (texts, want) => {
      for (const [name, text] of Object.entries(texts)) await page.page.locator(`#filter-${name}`).fill(text);
      await page.press('Filter');
      await page.page.waitForFunction((seqs) => [...document.querySelectorAll('#log .seq')].map((e) => e.textContent).join() === seqs, want.join());
    };
    await filter({ types: 'a, b' }, [3, 2, 1]);
    await filter({ device: 'desk' }, [2, 1]);
    await filter({ types: '', from: '2000-01-01T00:00' }, [4, 2, 1]);
    await filter({ to: '2000-01-02T00:00' }, []);
    await page.text('#log-empty', 'Nothing in the log is like that.');
    await page.page.locator('#filter-to').fill('1999-01-01T00:00');
    await page.press('Filter');
    await page.text('#filter-error', 'before the beginning');
    await page.press('Clear');
    await page.sees(4);
    assert.deepEqual(wrong(page), []);
  });

  test('foreign HTML is text', { timeout }, async (t) => {
    const html = '<img src=x onerror="document.title=1"><script>1</script><b>bold</b>';
    const user = await userWith({ type: '<b>type</b>', data: { html } },
      { type: 'backup.progress', data: { operation: html, fileName: html, step: html, source: html, stageTitle: html, stageDetail: html } },
      { type: 'backup.progress', data: { operation: html, fileName: html, step: 's', source: html, done: true, ok: false, error: html } });
    const page = closing(t, await AdminPage.openAs(stage, user, key));
    await page.sees(3);
    for (const summary of await page.page.locator('#log summary').all()) await summary.click();
    await page.text('#log .type', '<b>type</b>');
    await page.text('#log .inside pre', 'onerror');
    await page.text('#admin-runs .run-error', '<script>');
    await page.press('Replay\u2026');
    await page.press('Show what it would send');
    await page.preview('Nothing would be sent');
    await page.text('#preview-lists', '<b>type</b>');
    assert.equal(await page.page.locator('main :is(img, script, b), dialog :is(img, script, b)').count(), 0);
    assert.deepEqual(wrong(page), []);
  });

  test('a run goes on, is done, and the next one fails', { timeout }, async (t) => {
    const user = await userWith(progress({ step: 'export_collect_data', stageTitle: 'Collecting', percent: 10 }));
    const page = closing(t, await AdminPage.openAs(stage, user, key));
    assert.deepEqual(await page.run('home.zip', 'running').then(({ percent }) => percent), '10');
    await stage.hubline.publish(user, [
      progress({ step: 'export_package_archive', stageTitle: 'Packing', percent: 60 }), progress({ step: 'export_archive_ready', done: true, ok: true }),
      // NodeWarden's number and shape, of another kind, without a percentage
      progress({ UserId: user, fileName: 'vault.zip', operation: 'backup-remote-run', source: 's3', step: 'remote_run_upload_archive' }, '13'),
      progress({ UserId: user, fileName: 'vault.zip', operation: 'backup-remote-run', source: 's3', step: 'remote_run_failed', done: true, ok: false, error: 'bucket is full' }, '13'),
      { type: '13', data: { Id: 'a changed Send', UserId: user } },
    ]);
    const done = await page.run('home.zip', 'ok');
    assert.deepEqual([done.percent, done.stages], ['100', ['Collecting', 'Packing']]);
    const failed = await page.run('vault.zip', 'failed');
    assert.equal(failed.percent, '50');
    assert.match(failed.words, /Failed at 50 %[\s\S]*Remote run from s3[\s\S]*bucket is full/);
    assert.equal(await page.page.locator('#admin-runs .run').count(), 2);
    // The same after a reload, from the log.
    const again = closing(t, await AdminPage.openAs(stage, user, key));
    assert.deepEqual(await again.run('vault.zip', 'failed'), failed);
  });

  test('a run without reports is stalled until it goes on', { timeout }, async (t) => {
    const user = await userWith(progress({ step: 'a', percent: 40 }));
    const page = closing(t, await AdminPage.openAs(stage, user, key, { clock: true }));
    await page.run('home.zip', 'running');
    await page.page.clock.fastForward(61_000);
    assert.match((await page.run('home.zip', 'stalled')).words, /Stalled[\s\S]*no report for 1 min; the last was A/);
  });

  test('devices and their lag', { timeout }, async (t) => {
    const user = await userWith(...many(4));
    const token = await stage.hubline.token(user, 'phone');
    const poll = async (since) => (await fetch(`${stage.url}/events?wait=0&since=${since}`, { headers: { Authorization: `Bearer ${token}` } })).json();
    await poll((await poll('0')).cursor); // the second confirms what the first has brought
    const page = closing(t, await AdminPage.openAs(stage, user, key));
    assert.match(await page.device('phone', 'up to date'), /offline/);
    await stage.hubline.publish(user, many(3));
    assert.match(await page.device('phone', '3 events behind'), /-4\b/);
    const listening = new AbortController();
    t.after(() => listening.abort());
    const desk = await stage.hubline.token(user, 'desk');
    await fetch(`${stage.url}/events`, { headers: { Authorization: `Bearer ${desk}` }, signal: listening.signal });
    assert.match(await page.device('desk', 'seen now'), /1 connection/);
    await page.text('#figure-online', '1 of 2');
  });

  test('a replay is shown, then sent, to a client that is connected', { timeout }, async (t) => {
    const live = closing(t, await Console.open(stage));
    await live.waitFor('Connected');
    const type = 'npm.replayed';
    await stage.hubline.publish('demo', [{ type, data: 'one' }, { type, data: 'two' }]);
    const rows = (origin) => live.page.locator(`#stream .event[data-origin=${origin}]`, { has: live.page.getByText(type, { exact: true }) });
    await rows('live').nth(1).waitFor();

    const page = closing(t, await AdminPage.open(stage));
    await page.opened('demo');
    await page.press('Replay\u2026');
    const send = page.page.locator('#replay-send');
    assert.equal(await send.isDisabled(), true, 'nothing was shown yet');
    await page.page.locator('#replay-types').fill(type);
    await page.press('Show what it would send');
    const words = await page.preview('What would be sent');
    assert.match(words, /^2 events in seq 1 to \d+\. .* would be sent, to \d+ connection/);
    await page.text('#preview-lists', type);
    await page.text('#preview-lists', 'WebSocket');
    assert.equal(await rows('redelivery').count(), 0, 'nothing is sent by looking');

    await page.page.locator('#replay-device').fill('nobody');
    assert.equal(await send.isDisabled(), true, 'another form is another replay');
    await page.press('Show what it would send');
    await page.preview('Nothing would be sent');
    assert.equal(await send.isDisabled(), true);
    await page.page.locator('#replay-device').fill('page');
    await page.press('Show what it would send');
    // The page for administrators has a connection of its own.
    const connections = Number((await page.preview('What would be sent')).match(/to (\d+) connection/)[1]);
    await stage.hubline.publish('demo', [{ type, data: 'after it was shown' }]);
    await page.press(`Send ${2 * connections} to ${connections} connection${connections > 1 ? 's' : ''}`);
    assert.match(await page.preview('Sent'), /were sent/);
    await rows('redelivery').nth(1).waitFor();
    assert.deepEqual([await rows('redelivery').count(), await rows('live').count()], [2, 3]);
    assert.equal(await rows('redelivery').first().locator('.badge').innerText(), 'redelivered');
    assert.equal(await send.isDisabled(), true, 'once');

    await page.page.keyboard.press('Escape');
    assert.equal(await page.page.evaluate(() => document.activeElement.id), 'replay-open', 'the focus is where it was');
    assert.deepEqual([wrong(page), live.wrong], [[], []]);
  });

  test('keys that do not do are explained, and a kept one outlives a reload', { timeout }, async (t) => {
    const user = await userWith(...many(1));
    const page = closing(t, await AdminPage.open(stage, { user }));
    assert.match(await page.gate('demo'), /for the user demo alone/);
    await page.paste('two words');
    await page.gate('spaces');
    await page.paste('hlk_wrong');
    await page.gate('not known');
    await page.paste(readKey);
    await page.opened(user);
    await page.press('Replay\u2026');
    await page.press('Show what it would send');
    await page.text('#replay-error', 'needs the scope admin');
    await page.press('Close');

    await page.page.reload();
    await page.gate('demo');
    await page.paste(readKey, { keep: true });
    await page.opened(user);
    await page.page.reload();
    await page.opened(user);
    await page.press('Change key');
    await page.page.locator('#gate').waitFor();
    const kept = await page.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href]));
    assert.equal(kept.includes(readKey), false);
    assert.deepEqual(wrong(page), []);
  });

  test('without a demo a key is asked for, and where it lies is told', { timeout }, async (t) => {
    const other = await Stage.set({ allow: false });
    t.after(() => other.close());
    const page = closing(t, await AdminPage.open(other, { user: 'anna' }));
    await page.gate();
    assert.match(await page.text('#gate-command'), /^cat .*api-key$/);
    await page.paste(await other.hubline.key());
    await page.opened('anna');
    await page.text('#log-empty', 'The log is empty.');
    assert.deepEqual(page.wrong, []);
  });
});
