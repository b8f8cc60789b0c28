// The page of an app whose origin the server has not been told of.
import { after, before, test } from 'node:test';
import { forms } from './client/hub.js';
import { places } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;
const { skip, open } = places.at(-1);

test('Chromium, an origin that is not allowed', { skip, timeout }, async (t) => {
  let stage;
  let place;
  before(async () => {
    stage = await Stage.set({ allow: false });
    place = await open(stage);
  }, { timeout });
  after(async () => {
    await place?.close();
    await stage?.close();
  }, { timeout });
  for (const form of forms) {
    await t.test(`refusesOrigin, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play('refusesOrigin', form));
  }
});
