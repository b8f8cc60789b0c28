// The client of ASP.NET Core 2.2: it asks for version 0 of the negotiation, and
// POSTs all that it sends at once, so that order is its own affair.
import { after, before, describe, test } from 'node:test';
import signalR from '@aspnet/signalr';
import msgpack from '@aspnet/signalr-protocol-msgpack';
import { forms } from './client/hub.js';
import { GoStage } from './lib/gostage.js';
import { NodePlace } from './lib/places.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

for (const [name, set, scenes] of [
  ['the service', () => Stage.set(), ['replays', 'tellsMeta', 'ignoresCase']],
  ['a Go program', () => GoStage.set(), ['answers', 'sendsAtOnce', 'tellsErrors', 'streams', 'streamsFail']],
]) {
  describe(name, () => {
    let stage, place;
    before(async () => {
      stage = await set();
      place = await NodePlace.open(stage, stage.url, signalR, msgpack);
    }, { timeout });
    after(async () => {
      await place?.close();
      await stage?.close();
    }, { timeout });

    for (const form of forms) {
      for (const scene of scenes) {
        test(`${scene}, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play(scene, form));
      }
    }
  });
}
