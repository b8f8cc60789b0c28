import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser that test/setup/install.sh has found, else one on the PATH, else undefined. */
function find() {
  const found = process.env.HUBLINE_TEST_CHROMIUM;
  if (found && !isProgram(found)) throw new Error(`HUBLINE_TEST_CHROMIUM names ${found}, which is no program`);
  if (found) return found;
  const dirs = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => dirs.map((dir) => join(dir, name))).find(isProgram);
}

const skipped = (process.env.HUBLINE_TEST_SKIP ?? '').split(',').includes('chromium');
const executablePath = skipped ? undefined : find();

/** Why nothing can be tested in Chromium, or false. */
export const noChromium = executablePath ? false : 'no Chromium';

const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

const options = { executablePath, headless: true, args };

/** A browser with a new profile that several processes use. */
export function serve() {
  return chromium.launchServer({ ...options, host: '127.0.0.1' });
}

/** The browser of run.js, else one of our own. */
export function launch() {
  const address = process.env.HUBLINE_TEST_BROWSER;
  return address ? chromium.connect(address) : chromium.launch(options);
}
