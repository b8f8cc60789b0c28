// Unmodified clients whose tokens name a device are away and come back. They say nothing of what they have.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { freeAddress } from './lib/hubline.js';
import { places } from './lib/places.js';
import { Wire } from './lib/proxy.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;

const confirms = forms.filter((form) => form.transport !== 'ServerSentEvents');
const mute = forms.filter((form) => form.transport === 'ServerSentEvents');

describe('the line is cut', () => {
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

      for (const form of confirms) {
        test(`misses nothing, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play('missesNothing', form));
      }
      for (const form of mute) {
        test(`gets it again, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play('getsItAgain', form));
      }
    });
  }
});

describe('the server is killed', () => {
  let stage;
  before(async () => { stage = await Stage.set({ addr: await freeAddress() }); }, { timeout });
  after(() => stage?.close(), { timeout });

  for (const { name, skip, open } of places) {
    describe(name, { skip }, () => {
      let place;
      before(async () => { place = await open(stage); }, { timeout });
      after(() => place?.close(), { timeout });

      test('survives the server, all forms that confirm', { timeout }, () => place.play('survivesTheServer', confirms));
    });
  }
});
