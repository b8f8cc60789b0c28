// A Go program's own hubs: calls, streams, client results and groups, for each form, in each place.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { GoStage } from './lib/gostage.js';
import { places } from './lib/places.js';

const timeout = 60_000;
const scenes = [
  'answers', 'answersStructs', 'sends', 'tellsErrors', 'keepsAnswersApart', 'callsWait',
  'streams', 'streamsFail', 'streamsEnd', 'uploads', 'uploadsSeveral', 'uploadsFail',
  'givesResults', 'failsToGiveResults', 'asksWhileAsked', 'asksOthers', 'reachesPeople',
];
// A page of another origin differs in what it asks before, and in headers.
const fewer = ['answersStructs', 'tellsErrors', 'streams', 'uploads', 'givesResults'];

let stage;
before(async () => { stage = await GoStage.set(); }, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, kind, skip, open } of places) {
  describe(name, { skip }, () => {
    let place;
    before(async () => { place = await open(stage); }, { timeout });
    after(() => place?.close(), { timeout });

    for (const form of forms) {
      for (const scene of kind === 'foreign page' ? fewer : scenes) {
        test(`${scene}, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play(scene, form));
      }
    }
    test('reachesForms', { timeout }, () => place.play('reachesForms', forms));
  });
}
