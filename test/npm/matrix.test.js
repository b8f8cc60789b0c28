// Every hub method and way of delivery, for each form, in each place.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { places } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;
const scenes = [
  'delivers', 'tellsMeta', 'replays', 'answersErrors', 'stopsCleanly', 'refusesStrangers', 'ignoresCase',
  'declinesStatefulReconnect',
];

let stage;
before(async () => { stage = await Stage.set(); }, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, skip, open } of places) {
  describe(name, { skip }, () => {
    let place;
    before(async () => { place = await open(stage); }, { timeout });
    after(() => place?.close(), { timeout });

    for (const form of forms) {
      for (const scene of scenes) {
        test(`${scene}, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play(scene, form));
      }
    }
    for (const protocol of ['json', 'messagepack']) {
      test(`skipsNegotiation, ${protocol}`, { timeout }, () => place.play('skipsNegotiation', { protocol }));
    }
    test('hasNoBinaryServerSentEvents', { timeout }, () => place.play('hasNoBinaryServerSentEvents'));
    test('deliversToAll', { timeout }, () => place.play('deliversToAll', forms));
  });
}
