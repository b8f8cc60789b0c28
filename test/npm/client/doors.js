import { client, connect, invoke, quiet } from './gohub.js';
import { equal, matches, refusal, within } from './support.js';

/** What the hub knows of who calls it: the request that has connected, not the negotiation. */
export async function isSeen(world, form, kind) {
  const query = '?own=Gr%C3%B6%C3%9Fe&since=';
  const options = { headers: { 'X-Own': 'a header' } };
  const { hub } = await connect(world, form, { who: 'ann', path: '/HUB', query, options });
  // Pages have no way to give these requests headers.
  const hasHeader = kind === 'node' || form.transport === 'LongPolling';
  equal(await invoke(hub, 'Seen', 'X-Own', 'none'), {
    ID: hub.connectionId, User: 'ann', Transport: form.transport, Identity: null,
    Path: '/HUB', Query: 'Größe', Header: hasHeader ? 'a header' : '', Cookie: '',
  }, 'what the hub sees');
  if (kind !== 'node') return;
  const { hub: eater } = await connect(world, form, { options: { headers: { Cookie: 'own=a cookie; two=2' } } });
  equal((await invoke(eater, 'Seen', 'X-Own', 'two')).Cookie, '2', 'cookie');
}

/** Cookies go along with a page's credentials, and only with them. */
export async function bringsCookies(world, form) {
  for (const withCredentials of [true, false]) {
    const { hub } = await connect(world, form, { options: { withCredentials } });
    const { Cookie } = await invoke(hub, 'Seen', 'X-Own', 'own');
    // A page cannot keep them from a WebSocket.
    equal(Cookie, withCredentials || form.transport === 'WebSockets' ? 'crumbs' : '', `cookie, withCredentials = ${withCredentials}`);
  }
}

/** Who may not come in is told so, in the words that are known. */
export async function keepsOut(world, form, kind) {
  const told = 'Failed to complete negotiation with the server: Error: ';
  const door = (more) => client(world, form, { path: '/private', ...more }).hub;
  equal(await refusal(door().start(), 'start'), `${told}Unauthorized: Status code '401'`, 'error');
  equal(await refusal(door({ who: 'banned' }).start(), 'start'), `${told}Forbidden: Status code '403'`, 'error');
  // What is not there says nothing to pages of another origin.
  const nowhere = await refusal(door({ path: '/nowhere' }).start(), 'start');
  matches(nowhere, kind === 'foreign page' ? /Failed to fetch$/ : /^Failed to complete negotiation with the server: Error: [^]*Status code '404' Either this is not a SignalR endpoint or there is a proxy blocking the connection\.$/, 'error');
  if (form.transport === 'WebSockets') {
    matches(await refusal(door({ options: { skipNegotiation: true } }).start(), 'start'), /WebSocket failed to connect/, 'error');
    // The connection is another user's than the one who negotiated.
    const names = ['ann', 'bob'];
    const accessTokenFactory = () => names.shift();
    matches(await refusal(door({ options: { accessTokenFactory } }).start(), 'start'), /WebSocket failed to connect/, 'error');
  }
  const { hub } = await connect(world, form, { who: 'ann', path: '/private' });
  equal((await invoke(hub, 'Seen', '', 'none')).Identity, 'member ann', 'identity');
}

/** Without negotiation there is no connection id for the client; all else is the same. */
export async function skipsIt(world, { protocol }) {
  const it = await connect(world, { protocol, transport: 'WebSockets' }, { who: 'ann', options: { skipNegotiation: true } });
  equal(it.hub.connectionId, null, 'connectionId');
  const seen = await invoke(it.hub, 'Seen', '', 'none');
  equal([seen.User, seen.Transport], ['ann', 'WebSockets'], 'user and transport');
  matches(seen.ID, /^[\w-]{22}$/, 'the id that the server knows');
  quiet(world);
}

/** Other versions of the negotiation, and other protocols: users may write the query, and codecs of their own. */
export async function negotiates(world, form) {
  const { hub: old } = await connect(world, form, { query: '?negotiateVersion=0' });
  equal((await invoke(old, 'Seen', '', 'none')).ID, old.connectionId, 'connectionId of version 0');
  const { hub: later } = await connect(world, form, { query: '?negotiateVersion=7' });
  equal((await invoke(later, 'Seen', '', 'none')).ID, later.connectionId, 'connectionId of a version to come');
  const { hub: none } = client(world, form, { query: '?negotiateVersion=one' });
  matches(await refusal(none.start(), 'start'), /The client requested a non-integer protocol version\.$/, 'error');

  if (form.protocol !== 'json') return;
  const { HubConnectionBuilder, HttpTransportType, JsonHubProtocol, LogLevel } = world.signalR;
  const starts = [['JSON', 'connected']];
  // Elsewhere the client's handshake is a request of its own. If the refusal comes before that is
  // answered, nobody in the client awaits it, and Node takes that for an error of the program.
  if (form.transport === 'WebSockets') starts.push(['xml', "Server returned handshake error: The protocol 'xml' is not supported."]);
  for (const [name, want] of starts) {
    const hub = new HubConnectionBuilder()
      .withUrl(`${world.url}/hub`, { transport: HttpTransportType[form.transport] })
      .withHubProtocol(Object.assign(new JsonHubProtocol(), { name }))
      .configureLogging(LogLevel.None)
      .build();
    const got = await within(hub.start().then(() => 'connected', (err) => err.message), 'end of start');
    equal(got, want, `start with ${name}`);
    await hub.stop();
  }
}

/** Negotiate sends the client elsewhere, with another token; it begins there again when it comes back. */
export async function isSentOn(world, form) {
  const [door, knocks] = [await world.ask('door'), await world.ask('knocks')];
  const retry = { nextRetryDelayInMilliseconds: () => 0 };
  const it = client(world, form, { who: 'ann', retry });
  it.hub.baseUrl = door;
  await within(it.hub.start(), 'end of start');
  const seen = await invoke(it.hub, 'Seen', '', 'none');
  equal([seen.User, seen.Path.toLowerCase(), seen.Query], ['sent on', '/hub', 'redirected'], 'user, path and query');
  equal(seen.ID, it.hub.connectionId, 'connectionId');
  it.hub.invoke('Unsendable').catch(() => {}); // has the server end the connection
  await within(it.reconnected, 'onreconnected');
  equal((await invoke(it.hub, 'Seen', '', 'none')).User, 'sent on', 'user');
  equal(await world.ask('knocks') - knocks, 2, 'negotiations');
}

/** Bare bytes over a WebSocket: text comes back as text, and both sides close well. */
export async function echoes(world) {
  const WebSocket = globalThis.WebSocket ?? (await import('ws')).default;
  const open = async () => {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/Echo`);
    socket.binaryType = 'arraybuffer';
    await within(new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject })), 'open socket');
    const closed = new Promise((resolve) => (socket.onclose = ({ code, wasClean, reason }) => resolve({ code, wasClean, reason: `${reason}` })));
    const answer = async (data) => {
      const message = new Promise((resolve) => (socket.onmessage = resolve));
      socket.send(data);
      return (await within(message, 'message')).data;
    };
    return { socket, closed, answer };
  };
  const well = { code: 1000, wasClean: true, reason: '' };
  const one = await open();
  for (const text of ['hello', 'Größe 🚀', 'x'.repeat(1000), '\u001e\n']) equal(await one.answer(text), text, 'echo');
  equal(await one.answer(new TextEncoder().encode('bytes')), 'bytes', 'echo of a binary message');
  one.socket.close();
  equal(await within(one.closed, 'onclose'), well, 'onclose');

  const two = await open();
  equal(await two.answer('bye'), 'bye', 'echo');
  equal(await within(two.closed, 'onclose'), well, 'onclose, by the server');

  const three = await open();
  three.socket.close(4001, 'own words');
  equal(await within(three.closed, 'onclose'), well, 'onclose after a code of its own');
}

/** The client works in a worker as well. */
export async function worksInWorker(world, transport) {
  const site = await world.ask('site');
  const code = `importScripts('${site}/signalr.js');
    (async () => {
      const hub = new signalR.HubConnectionBuilder().configureLogging(signalR.LogLevel.None)
        .withUrl('${world.url}/hub', { transport: ${world.signalR.HttpTransportType[transport]}, accessTokenFactory: () => 'worker' }).build();
      await hub.start();
      const answer = await hub.invoke('echotext', 'Größe');
      const seen = await hub.invoke('Seen', '', '');
      const items = [];
      await new Promise((complete, error) => hub.stream('Count', 3).subscribe({ next: (n) => items.push(n), complete, error }));
      await hub.stop();
      return [answer, seen.User, seen.Transport, ...items];
    })().then((answer) => postMessage(answer), (err) => postMessage(String(err)));`;
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  try {
    const { data } = await within(new Promise((resolve, reject) => Object.assign(worker, { onmessage: resolve, onerror: reject })), 'word of the worker');
    equal(data, ['Größe', 'worker', transport, 0, 1, 2], 'answers');
  } finally {
    worker.terminate();
  }
}
