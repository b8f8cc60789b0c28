// Members of presence channels hear of one another.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { places } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
before(async () => {
  stage = await Stage.set({ flags: ['--presence-grace=100ms'] });
  stage.deeds.enrol = (channel, user) => stage.hubline.enrol(channel, user);
}, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, skip, open } of places) {
  describe(name, { skip }, () => {
    let place;
    before(async () => { place = await open(stage); }, { timeout });
    after(() => place?.close(), { timeout });

    for (const form of forms) {
      test(`${form.protocol} over ${form.transport}`, { timeout }, () => place.play('hearsOfMembers', form));
    }
  });
}
