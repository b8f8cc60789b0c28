// What README.md and docs/ show in JavaScript and in shell does what they say, as it stands there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import published from '@microsoft/signalr';
import { within } from './client/support.js';
import { request } from './lib/hubline.js';
import { Wire } from './lib/proxy.js';
import { Stage } from './lib/stage.js';

const timeout = 60_000;
// The one that the SignalR client uses in Node.
const EventSource = createRequire(createRequire(import.meta.url).resolve('@microsoft/signalr'))('eventsource');

// The client as it is published, but quiet.
const signalR = {
  ...published,
  HubConnectionBuilder: class extends published.HubConnectionBuilder {
    build() {
      return this.configureLogging(published.LogLevel.None) && super.build();
    }
  },
};

let stage;
let wire;
before(async () => {
  stage = await Stage.set();
  wire = await Wire.to(stage.hubline.url);
}, { timeout });
after(async () => {
  await wire?.close();
  await stage?.close();
}, { timeout });

/** The block behind <!-- test:name --> in a file of the repository. */
async function block(file, name) {
  const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  const found = text.match(new RegExp(`<!-- test:${name} -->\\s*\`\`\`\\w+\\n(.*?)\`\`\``, 's'));
  assert.ok(found, `${file} has no block ${name}`);
  return found[1];
}

const AsyncFunction = (async () => {}).constructor;

/** Runs a block with these names for what it leaves to the reader. Paths lead through the wire. */
function perform(code, names, result = '') {
  const here = code.replaceAll(/(["`])\/(hubs|events)/g, `$1${wire.url}/$2`);
  return new AsyncFunction(...Object.keys(names), `${here}\n${result}`)(...Object.values(names));
}

/** Collects what is shown, and waits for it. */
function screen() {
  const seen = [];
  let changed = () => {};
  return {
    seen,
    show: (value) => { seen.push(value); changed(); },
    until: (what) => within(new Promise((resolve) => {
      changed = () => seen.includes(what) && resolve();
      changed();
    }), `show(${what})`, 30_000),
  };
}

const orders = (...list) => list.map((data) => ({ type: 'order.paid', data }));

/** The README's SignalR client, whose line is cut while orders 2 and 3 are published; what it has shown. */
async function cutOff(options) {
  const { user, token } = await stage.hubline.user(options);
  const { seen, show, until } = screen();
  let refetched = 0;
  const hub = await perform(await block('README.md', 'signalr'), { signalR, token, show, refetchState: () => refetched++ }, 'return hub;');
  try {
    const back = new Promise((resolve) => hub.onreconnected(resolve));
    const gone = new Promise((resolve) => hub.onreconnecting(resolve));
    await stage.hubline.publish(user, orders(1));
    await until(1);
    // Whatever is invoked is answered in its turn, so behind the Ack for order 1.
    await assert.rejects(hub.invoke('NoSuchMethod'));
    wire.cut();
    await within(gone, 'onreconnecting');
    await stage.hubline.publish(user, orders(2, 3));
    wire.mend();
    await within(back, 'onreconnected', 30_000);
    await stage.hubline.publish(user, orders(4));
    await until(4);
    assert.equal(refetched, 0, 'refetchState');
    return seen;
  } finally {
    await hub.stop();
  }
}

test('the SignalR client of the README gets what it missed', { timeout }, async () => {
  assert.deepEqual(await cutOff({ device: 'laptop' }), [1, 2, 3, 4]);
});

test('without a device it gets what is new only, as the README says', { timeout }, async () => {
  assert.deepEqual(await cutOff({}), [1, 4]);
});

test('the SignalR clients of the README and of docs/signalr.md are one', async () => {
  const text = await readFile(new URL('../../docs/signalr.md', import.meta.url), 'utf8');
  assert.ok(text.includes(await block('README.md', 'signalr')));
});

test('the EventSource of docs/events.md gets what it missed', { timeout }, async () => {
  const { user, token } = await stage.hubline.user();
  const { seen, show, until } = screen();
  const source = await perform(await block('docs/events.md', 'eventsource'), { EventSource, token, show, refetchState: assert.fail }, 'return source;');
  try {
    await within(new Promise((resolve) => source.addEventListener('hubline.ready', resolve, { once: true })), 'hubline.ready');
    await stage.hubline.publish(user, orders(1));
    await until(1);
    const back = new Promise((resolve) => source.addEventListener('hubline.ready', resolve, { once: true }));
    wire.cut();
    await stage.hubline.publish(user, orders(2, 3));
    wire.mend();
    await within(back, 'hubline.ready again', 30_000);
    await until(3);
    assert.deepEqual(seen, [1, 2, 3]);
  } finally {
    source.close();
  }
});

test('the poll of docs/events.md gets everything once', { timeout }, async () => {
  const { user, token } = await stage.hubline.user();
  const { seen, show, until } = screen();
  const stop = new AbortController();
  let asked;
  const asking = new Promise((resolve) => { asked = resolve; });
  const counted = (url, init) => {
    queueMicrotask(asked);
    return fetch(url, { ...init, signal: stop.signal });
  };
  // Until the first answer there is no cursor: begin with everything.
  const code = (await block('docs/events.md', 'poll')).replace('"latest"', '"0"');
  const polling = perform(code, { fetch: counted, token, show, refetchState: assert.fail });
  await asking;
  for (let i = 1; i <= 5; i++) await stage.hubline.publish(user, orders(i));
  await until(5);
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  stop.abort();
  await assert.rejects(polling, { name: 'AbortError' });
});

test('the token and the key that docs/authentication.md makes in a shell are accepted', { timeout }, async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'hubline-docs-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const shell = async (code) => (await promisify(execFile)('bash', ['-euc', code], { cwd: dir })).stdout;
  await mkdir(path.join(dir, 'hubline-data'));
  await writeFile(path.join(dir, 'hubline-data/signing-secret'), `${'secret+/='.repeat(5)}\n`);
  const key = (await shell(`${await block('docs/authentication.md', 'key')}echo $KEY`)).trim();
  const own = await Stage.set({ flags: [`--jwt-secret-file=${dir}/hubline-data/signing-secret`, `--api-key-file=${dir}/keys`] });
  t.after(() => own.close());

  const { url } = own.hubline;
  const answer = await shell((await block('docs/authentication.md', 'token')).replaceAll('http://127.0.0.1:8080', url));
  assert.deepEqual(Object.keys(JSON.parse(answer)), ['events', 'cursor', 'gap'], answer);
  const headers = { Authorization: `Bearer ${key}` };
  const events = `${url}/api/v1/users/alice/events`;
  assert.equal((await request(events, { method: 'POST', headers, body: '{"type":"a"}' })).status, 201);
  assert.equal((await request(events, { headers })).status, 200);
});

// zsh takes no comments when it is typed to, and runs what stands behind the #.
test('the comments of the curl session may be pasted into zsh', async () => {
  for (const line of (await block('README.md', 'curl')).split('\n')) {
    const [code, comment] = line.split(/(?:^|\s)#/);
    if (comment === undefined) continue;
    assert.equal(code, '', `a comment behind a command: ${line}`);
    assert.doesNotMatch(comment, /['"`()[\]{};&|<>*?$!\\~]/, line);
  }
});
