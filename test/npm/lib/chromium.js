import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

const skipped = (process.env.HUBLINE_TEST_SKIP ?? '').split(',').includes('chromium');

/** Why nothing can be tested in Chromium, or false. */
export const noChromium = skipped || !existsSync(executablePath) ? `no ${executablePath}` : false;

const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** A browser with a new profile. */
export function launch() {
  return chromium.launch({ executablePath, headless: true, args });
}
