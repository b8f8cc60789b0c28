import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands, quote, tokenCommand } from '../static/console/state/curl.js';
import { Session, userOf } from '../static/console/state/session.js';

const jwt = (claims) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

function storage() {
  const map = new Map();
  return {
    map,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => map.set(key, value),
    removeItem: (key) => map.delete(key),
  };
}

/** Status is that of demo/session; 404: the server has no demo. */
function demoServer(status = 200) {
  let count = 0;
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    if (url.endsWith('/console/here.json')) return Response.json({ demo: status !== 404, local: true, program: 'bin/hubline' });
    count++;
    return status === 200 ? Response.json({ user: 'demo', token: `t${count}`, note: 'n' }) : new Response(null, { status });
  };
  return { fetch, asked };
}

test('demo mode: a token without asking anybody, under the base path, renewed when wanted', async () => {
  const { fetch, asked } = demoServer();
  const store = storage();
  const session = new Session({ base: 'https://h/live/', fetch, storage: store });
  assert.equal(await session.begin(), true);
  assert.deepEqual(asked, ['https://h/live/console/here.json', 'https://h/live/demo/session']);
  assert.deepEqual(session.who, { user: 'demo', demo: true, note: 'n' });
  assert.equal(await session.token(false), 't1');
  assert.equal(await session.token(true), 't2');
  assert.equal(store.map.size, 0, 'a demo token is kept nowhere');
  assert.equal(session.demoOffered, true);
});

test('without demo mode the user pastes a token, which stays in the tab', async () => {
  const { fetch, asked } = demoServer(404);
  const store = storage();
  const session = new Session({ base: 'https://h/', fetch, storage: store });
  assert.equal(await session.begin(), false);
  assert.deepEqual(asked, ['https://h/console/here.json'], 'nothing is asked for that is not there');
  assert.equal(session.here.program, 'bin/hubline');
  assert.notEqual(session.paste('  '), '');
  assert.notEqual(session.paste('two words'), '');
  assert.equal(session.paste(` Bearer ${jwt({ sub: 'alice' })}\n`), '');
  assert.equal(session.who.user, 'alice');

  const next = new Session({ base: 'https://h/', fetch, storage: store });
  assert.equal(await next.begin(), true);
  assert.equal(await next.token(true), jwt({ sub: 'alice' }));
  next.end();
  assert.equal(store.map.size, 0);
  assert.equal(next.who, null);
});

test('a server in trouble is not mistaken for one without demo mode', async () => {
  const session = new Session({ base: 'https://h/', fetch: demoServer(500).fetch, storage: storage() });
  await assert.rejects(session.begin(), /500/);
});

test('the user of a token, for display', () => {
  assert.equal(userOf(jwt({ sub: 'zoë' })), 'zoë');
  for (const bad of ['', 'x', 'a.b.c', jwt({}), jwt({ sub: 7 })]) assert.equal(userOf(bad), 'unknown');
});

test('commands name the user, the cursor and the base path, and never the token', () => {
  const list = commands({ base: 'https://h/live/', user: "o'neil x", cursor: 'k7q2-57' });
  const all = list.map(({ command }) => command).join('\n');
  assert.match(all, /'https:\/\/h\/live\/events\?since=k7q2-57'/);
  assert.match(all, /https:\/\/h\/live\/api\/v1\/users\/o'\\''neil%20x\/events/);
  assert.match(all, /--server https:\/\/h\/live /);
  assert.match(all, /Bearer \$TOKEN/);
  assert.match(all, /hubline token --user 'o'\\''neil x'/);
  assert.doesNotMatch(commands({ base: 'http://127.0.0.1:8080/', user: 'u', cursor: null })[4].command, /--server/);
  assert.match(commands({ base: 'https://h/', user: 'u', cursor: null })[3].command, /since=0/);
});

test('commands are those that work beside this server', () => {
  const text = (here) => commands({ base: 'http://127.0.0.1:8080/', user: 'u', cursor: null, here }).map(({ command }) => command).join('\n');
  const local = text({ local: true, demo: false, program: './a b/hubline', token: "'./a b/hubline' token --data-dir d", keyFile: 'd/api key' });
  assert.match(local, /TOKEN=\$\('\.\/a b\/hubline' token --data-dir d --user u\)\nAPI_KEY=\$\(cat 'd\/api key'\)/);
  assert.match(local, /^'\.\/a b\/hubline' publish --api-key "\$API_KEY" --user u/m);
  assert.match(text({ local: false, demo: true }), /\$\(hubline token --user u\)\nAPI_KEY=\$\(cat hubline-data\/api-key\)/);
  // Whose secrets nobody knows, or another issuer has.
  assert.match(text({ local: true, demo: false, program: 'hubline' }), /TOKEN='a token for u'\nAPI_KEY='a key of yours'/);
  assert.equal(tokenCommand('u', { local: true, demo: false }), null);
});

test('shell words are quoted only where needed', () => {
  assert.equal(quote('alice@example.org'), 'alice@example.org');
  assert.equal(quote(''), "''");
  assert.equal(quote('a b'), "'a b'");
  assert.equal(quote('$(x)'), "'$(x)'");
});
