// The server's pings keep an idle connection, and the client's keep the server.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { places } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
before(async () => {
  stage = await Stage.set({ flags: ['--ping-interval=1s', '--client-timeout=4s', '--poll-timeout=3s'] });
}, { timeout });
after(() => stage?.close(), { timeout });

// At the same time, since they do nothing.
describe('ten seconds', { concurrency: true }, () => {
  for (const { name, skip, open } of places) {
    test(`staysWhenIdle, ${name}`, { skip, timeout }, async (t) => {
      const place = await open(stage);
      t.after(() => place.close());
      await place.play('staysWhenIdle', forms);
    });
  }
});
