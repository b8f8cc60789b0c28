// The server goes and comes back at the same address, and so do the clients.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { freeAddress } from './lib/hubline.js';
import { places } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
before(async () => { stage = await Stage.set({ addr: await freeAddress() }); }, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, skip, open } of places) {
  describe(name, { skip }, () => {
    let place;
    before(async () => { place = await open(stage); }, { timeout });
    after(() => place?.close(), { timeout });

    test('reconnects, all forms', { timeout }, () => place.play('reconnects', forms));
  });
}
