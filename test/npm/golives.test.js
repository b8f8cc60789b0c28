// How connections to a Go program's own hubs begin and end, for each form, in each place.
import { after, before, describe, test } from 'node:test';
import { forms } from './client/hub.js';
import { GoStage } from './lib/gostage.js';
import { freeAddress } from './lib/hubline.js';
import { PagePlace, places } from './lib/places.js';

const timeout = 60_000;
const scenes = ['welcomes', 'refuses', 'aborts', 'leaves', 'comesBackAfterErrors', 'isSentOn', 'negotiates'];
// A page of another origin differs in what it asks before, and in headers.
const fewer = ['welcomes', 'refuses', 'isSentOn'];

let stage;
before(async () => { stage = await GoStage.set(); }, { timeout });
after(() => stage?.close(), { timeout });

for (const { name, kind, skip, open } of places) {
  describe(name, { skip }, () => {
    let place;
    let far; // over the wire
    before(async () => {
      place = await open(stage);
      far = await open(stage, stage.wire.url);
    }, { timeout });
    after(async () => {
      await far?.close();
      await place?.close();
    }, { timeout });

    for (const form of forms) {
      const label = `${form.protocol} over ${form.transport}`;
      const polls = form.transport === 'LongPolling';
      for (const scene of kind === 'foreign page' ? fewer : scenes) {
        test(`${scene}, ${label}`, { timeout }, () => place.play(scene, form));
      }
      for (const scene of ['isSeen', 'keepsOut']) {
        test(`${scene}, ${label}`, { timeout }, () => place.play(scene, form, kind));
      }
      // Polls are missed only when they have been away for a while.
      test(`comesBack, ${label}`, { timeout }, () => far.play('comesBack', form, { gone: !polls || kind === 'node' }));
      // Polls keep themselves alive.
      if (!polls && kind !== 'foreign page') test(`timesOut, ${label}`, { timeout }, () => place.play('timesOut', form));
    }
    for (const protocol of kind === 'foreign page' ? [] : ['json', 'messagepack']) {
      test(`survivesCuts, ${protocol}`, { timeout }, () => far.play('survivesCuts', { protocol, transport: 'WebSockets' }));
    }
    for (const protocol of ['json', 'messagepack']) {
      test(`skipsIt, ${protocol}`, { timeout }, () => place.play('skipsIt', { protocol }));
    }
    if (kind === 'node') {
      test('isTimedOut', { timeout }, () => place.play('isTimedOut', forms.filter(({ transport }) => transport !== 'LongPolling')));
    }
    test('echoes', { timeout }, () => place.play('echoes'));
    if (kind !== 'node') {
      for (const transport of ['WebSockets', 'ServerSentEvents', 'LongPolling']) {
        test(`worksInWorker, ${transport}`, { timeout }, () => place.play('worksInWorker', transport));
      }
    }
  });
}

describe('Chromium, another port of the same site', { skip: places.at(-1).skip }, () => {
  let place;
  before(async () => {
    const address = `${stage.site.url.replace('localhost', '127.0.0.1')}/`;
    place = await PagePlace.open(stage, stage.program.url, address, { own: 'crumbs' });
  }, { timeout });
  after(() => place?.close(), { timeout });
  for (const form of forms) {
    test(`bringsCookies, ${form.protocol} over ${form.transport}`, { timeout }, () => place.play('bringsCookies', form));
  }
});

describe('a program that is started again', () => {
  let fleeting;
  before(async () => { fleeting = await GoStage.set(await freeAddress()); }, { timeout });
  after(() => fleeting?.close(), { timeout });
  for (const { name, skip, open } of places) {
    test(`outlives, all forms, ${name}`, { skip, timeout }, async () => {
      const place = await open(fleeting);
      try {
        await place.play('outlives', forms);
      } finally {
        await place.close();
      }
    });
  }
});
