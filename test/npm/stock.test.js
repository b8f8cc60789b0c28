// The client of durable-notifier, written anew (client/stocklike.js), against the built
// program: in Node, and in pages whose credentials are a token or a cookie.
import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { createNotifier, wait } from './client/stocklike.js';
import { noChromium } from './lib/chromium.js';
import { freeAddress } from './lib/hubline.js';
import { StockPage, StockStage, stockPlaces } from './lib/stockstage.js';

const timeout = 60_000;

describe('the client itself', () => {
  test('waits longer and longer, spread by a quarter', () => {
    const ranges = Array.from({ length: 7 }, (_, attempt) => [wait(attempt, () => 0), wait(attempt, () => 1)]);
    assert.deepEqual(ranges, [
      [750, 1250], [1500, 2500], [3000, 5000], [6000, 10_000], [12_000, 20_000], [22_500, 37_500], [22_500, 37_500],
    ]);
  });

  test('pings every 30 s, tries without end, and hears no socket that it gave up', () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    try {
      const sockets = [];
      class Fake extends EventTarget {
        sent = [];
        constructor() {
          super();
          sockets.push(this);
        }
        send(text) { this.sent.push(text); }
        close() {}
        tell(type, fields = {}) { this.dispatchEvent(Object.assign(new Event(type), fields)); }
      }
      const got = [];
      const notifier = createNotifier('ws://x/ws', { WebSocket: Fake, random: () => 0.5 });
      assert.equal(sockets.length, 0);
      const off = notifier.on('a', () => { throw new Error('starves the next'); });
      notifier.on('a', (data) => got.push(data));
      notifier.on('b', (data) => got.push(data));
      sockets[0].tell('open');
      mock.timers.tick(29_999);
      assert.deepEqual(sockets[0].sent, []);
      mock.timers.tick(30_001);
      assert.deepEqual(sockets[0].sent, ['{"type":"ping"}', '{"type":"ping"}']);
      for (const data of ['{"type":"a","data":1}', '{"type":"b","data":2}', '{"type":"pong"}', 'x', '{"type":7}']) sockets[0].tell('message', { data });
      assert.deepEqual(got, [2]);
      off();
      for (let i = 0; i < 50; i++) {
        sockets.at(-1).tell('close', { code: 4401 });
        assert.equal(notifier.status(), 'reconnecting');
        mock.timers.tick(Math.min(1000 * 2 ** i, 30_000));
        assert.equal(sockets.length, i + 2);
      }
      sockets[0].tell('message', { data: '{"type":"b","data":"late"}' });
      assert.deepEqual(got, [2]);
      notifier.close();
      assert.equal(notifier.status(), 'closed');
      mock.timers.tick(120_000);
      assert.equal(sockets.length, 51);
    } finally {
      mock.timers.reset();
    }
  });
});

let stage;
before(async () => {
  stage = await StockStage.set({ addr: await freeAddress(), flags: ['--ping-interval=1s'] });
}, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, skip, open } of stockPlaces) {
  describe(name, { skip }, () => {
    let place;
    before(async () => { place = await open(stage); }, { timeout });
    after(() => place?.close(), { timeout });

    for (const scene of ['delivers', 'showsNothingElse', 'joinsChannels', 'showsAllTabsTheSame', 'comesBack']) {
      test(scene, { timeout }, () => place.play(scene));
    }
  });
}

test('Chromium, a page that may not come in, with a cookie', { skip: noChromium, timeout }, async (t) => {
  const place = await StockPage.open(stage, stage.stranger.url.replace('localhost', '127.0.0.1'), { signedIn: true });
  t.after(() => place.close());
  await place.play('isRefused');
});
