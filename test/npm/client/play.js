import * as away from './away.js';
import * as bitwarden from './bitwarden.js';
import * as channels from './channels.js';
import * as delivery from './delivery.js';
import { World } from './hub.js';
import * as methods from './methods.js';
import * as presence from './presence.js';
import * as resume from './resume.js';

export const scenes = { ...away, ...channels, ...delivery, ...methods, ...presence, ...resume, ...bitwarden };

/** Plays a scene, in Node or in a page. An error tells what the clients logged last. */
export async function play(parts, name, ...args) {
  const world = new World(parts);
  try {
    await scenes[name](world, ...args);
  } catch (err) {
    const lines = world.log.filter((line) => !/^(Trace|Debug)/.test(line)).slice(-8);
    const log = lines.map((line) => line.replace(/\?\S*(id|access_token)=\S*/, '')).join('\n  ');
    // Without a stack of this error, which would say nothing.
    throw Object.assign(new Error(), { message: `${err.message}\nthe clients logged last:\n  ${log}`, stack: err.stack });
  } finally {
    await world.end();
  }
}
