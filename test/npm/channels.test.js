// Channels are joined and left by the methods of the hubs.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { freeAddress } from './lib/hubline.js';
import { places } from './lib/places.js';
import { Wire } from './lib/proxy.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage, wire;
before(async () => {
  stage = await Stage.set({ addr: await freeAddress() });
  wire = await Wire.to(stage.hubline.url);
  stage.deeds.cut = () => wire.cut();
  stage.deeds.mend = () => wire.mend();
}, { timeout });
after(async () => {
  await wire?.close();
  await stage?.close();
}, { timeout });

for (const { name, skip, open } of places) {
  describe(name, { skip }, () => {
    let direct, wired;
    before(async () => {
      direct = await open(stage);
      wired = await open(stage, wire.url);
    }, { timeout });
    after(async () => {
      await wired?.close();
      await direct?.close();
    }, { timeout });

    for (const form of forms) {
      const title = `${form.protocol} over ${form.transport}`;
      for (const scene of ['joinsAndLeaves', 'needsLeave', 'joinsVaults']) {
        test(`${scene}, ${title}`, { timeout }, () => direct.play(scene, form));
      }
      test(`needsLeave at the family's hub, ${title}`, { timeout }, () => direct.play('needsLeave', form, '/notifications/hub'));
      test(`staysThroughReconnects, ${title}`, { timeout }, () => wired.play('staysThroughReconnects', form));
    }
    test('staysThroughKills, all forms', { timeout }, () => direct.play('staysThroughKills', forms));
  });
}
