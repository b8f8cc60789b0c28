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
