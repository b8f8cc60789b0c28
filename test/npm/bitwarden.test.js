// The hub of the Bitwarden family, with the options of its clients and with others.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { places } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
before(async () => { stage = await Stage.set(); }, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, skip, open } of places) {
  describe(name, { skip }, () => {
    let place;
    before(async () => { place = await open(stage); }, { timeout });
    after(() => place?.close(), { timeout });

    for (const path of ['/notifications/hub', '/hub']) {
      test(`updatesVaults at ${path}`, { timeout }, () => place.play('updatesVaults', { path }));
    }
    test('announcesGap', { timeout }, () => place.play('announcesGap'));
    for (const form of forms) {
      const settings = { form, options: {} };
      const title = `${form.protocol} over ${form.transport}`;
      test(`updatesVaults, ${title}`, { timeout }, () => place.play('updatesVaults', settings));
      test(`announcesGap, ${title}`, { timeout }, () => place.play('announcesGap', settings));
    }
  });
}
