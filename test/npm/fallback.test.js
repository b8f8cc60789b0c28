// Something between the client and the server does not let everything through.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { places } from './lib/places.js';
import { Obstacle } from './lib/proxy.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
before(async () => { stage = await Stage.set(); }, { timeout });
after(() => stage?.close(), { timeout });

const opened = async () => Object.fromEntries(await Promise.all(['ws', 'sse', 'poll'].map(async (transport) =>
  [transport, await stage.hubline.metric(`hubline_connections_opened_total{transport="${transport}"}`)])));

const cases = [
  { what: 'nothing', want: 'ws' },
  { what: 'upgrades refused', ways: {}, want: 'sse' },
  { what: 'upgrades and event streams refused', ways: { refusesEvents: true }, want: 'poll' },
];

for (const { name, skip, open } of places) {
  describe(name, { skip }, () => {
    for (const { what, ways, want } of cases) {
      test(`fallsBack, ${what} → ${want}`, { timeout }, async (t) => {
        const obstacle = ways && await Obstacle.before(stage.hubline.url, ways);
        t.after(() => obstacle?.close());
        const place = await open(stage, obstacle?.url);
        t.after(() => place.close());
        const before = await opened();
        await place.play('fallsBack');
        const now = await opened();
        assert.equal(now[want], before[want] + 1, `connections opened over ${want}`);
        if (want === 'sse') assert.equal(now.ws, before.ws, 'connections opened over ws');
      });
    }
  });
}
