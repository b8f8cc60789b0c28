// The line is cut without a word. Nothing is lost, nothing comes twice.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { places } from './lib/places.js';
import { Wire } from './lib/proxy.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

let stage;
let wire;
before(async () => {
  stage = await Stage.set();
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
    let place;
    before(async () => { place = await open(stage, wire.url); }, { timeout });
    after(() => place?.close(), { timeout });

    for (const form of forms) {
      for (const scene of ['resumes', 'resumesWhileReconnecting', 'resumesDevice']) {
        test(`${scene}, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play(scene, form));
      }
    }
  });
}
