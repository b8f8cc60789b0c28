// Runs all tests, or the files that are named, with one browser for all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { noChromium, serve } from './lib/chromium.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const named = process.argv.slice(2);
const files = named.length ? named : (await readdir(here)).filter((name) => name.endsWith('.test.js')).sort();

const browser = noChromium ? null : await serve();
try {
  // Three at a time: much of what they do is waiting.
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=3', '--test-reporter=spec', ...files], {
    cwd: here,
    env: { ...process.env, ...(browser && { HUBLINE_TEST_BROWSER: browser.wsEndpoint() }) },
    stdio: 'inherit',
  });
  const [code] = await once(tests, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await browser?.close();
}
