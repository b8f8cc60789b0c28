// The page at /, with the demo's events and some of our own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { noChromium } from './lib/chromium.js';
import { Console } from './lib/console.js';
import { Obstacle } from './lib/proxy.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
before(async () => { stage = await Stage.set({ allow: false, flags: ['--demo'] }); }, { timeout });
after(() => stage?.close(), { timeout });

let published = 0;
/** Publishes events of a type that nobody else has. */
async function publish(n) {
  const types = Array.from({ length: n }, () => `npm.test.${++published}`);
  await stage.hubline.publish('demo', types.map((type) => ({ type, data: { at: type } })));
  return types;
}

async function open(t, url) {
  const page = await Console.open(stage, url);
  t.after(() => page.close());
  return page;
}

describe('console', { skip: noChromium }, () => {
  const ways = [
    { name: 'auto', button: 'Resume', words: 'over WebSocket' },
    { name: 'WebSockets', button: 'Resume on WebSocket', words: 'over WebSocket' },
    { name: 'ServerSentEvents', button: 'Resume on Server-Sent Events', words: 'over Server-Sent Events' },
    { name: 'LongPolling', button: 'Resume on Long polling', words: 'over long polling' },
  ];

  for (const { name, button, words } of ways) {
    test(`cut and resume on ${name}`, { timeout }, async (t) => {
      const page = await open(t);
      await page.waitFor('Connected');
      await page.choose(name);
      await page.waitFor('Connected', words);
      await page.seesLife();
      const [live] = await publish(1);
      assert.equal(await page.originOf(live), 'live');

      await page.press('Cut the connection');
      await page.waitFor('Offline');
      const missed = await publish(3);
      await page.press(button);
      await page.waitFor('Connected', words);
      for (const type of missed) {
        assert.equal(await page.originOf(type), 'replay', `origin of ${type}`);
        assert.equal(await page.countOf(type), 1, `rows of ${type}`);
      }
      assert.match(await page.mark('caughtup'), /Caught up: \d+ events in .*, recovered/);
      const [then] = await publish(1);
      assert.equal(await page.originOf(then), 'live');
      assert.deepEqual(page.wrong, []);
    });
  }

  test('resume on one transport after the other', { timeout }, async (t) => {
    const page = await open(t);
    await page.waitFor('Connected');
    const all = [];
    for (const { name, button, words } of [...ways.slice(1), ...ways.slice(1).reverse()]) {
      await page.press('Cut the connection');
      await page.waitFor('Offline');
      all.push(...await publish(2));
      await page.choose(name);
      await page.press(button);
      await page.waitFor('Connected', words);
      assert.equal(await page.originOf(all.at(-1)), 'replay');
    }
    for (const type of all) assert.equal(await page.countOf(type), 1, `rows of ${type}`);
    assert.deepEqual(page.wrong, []);
  });

  const obstacles = [
    { what: 'upgrades are refused', ways: {}, words: 'over Server-Sent Events' },
    { what: 'upgrades and event streams are refused', ways: { refusesEvents: true }, words: 'over long polling' },
  ];
  for (const { what, ways: how, words } of obstacles) {
    test(`finds a way where ${what}`, { timeout }, async (t) => {
      const obstacle = await Obstacle.before(stage.hubline.url, how);
      t.after(() => obstacle.close());
      const page = await open(t, obstacle.url);
      await page.waitFor('Connected', words);
      const [type] = await publish(1);
      assert.equal(await page.originOf(type), 'live');
    });
  }
});
