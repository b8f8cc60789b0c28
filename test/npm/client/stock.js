// Scenes of an app with durable-notifier's client, in Node and in pages alike.
import { createNotifier } from './stocklike.js';
import { Inbox, equal, refusal, within } from './support.js';

/** One app in one tab: the client, and a record of all that its sockets show. */
class App {
  events = new Inbox();
  states = [];
  frames = []; // what came, as it came
  closes = []; // code and reason
  posts = []; // path and status, in the order of the answers
  #watching = [];

  constructor({ url, WebSocket = globalThis.WebSocket, fetch = globalThis.fetch }, who, options = {}) {
    const app = this;
    this.who = who;
    class Watched extends WebSocket {
      constructor(address) {
        super(address);
        this.addEventListener('message', ({ data }) => app.frames.push(data));
        this.addEventListener('close', ({ code, reason }) => app.closes.push([code, reason]));
      }
    }
    const byToken = who.cookie ? {} : { getHeaders: async () => ({ Authorization: `Bearer ${who.token}` }) };
    this.notifier = createNotifier(`${url.replace(/^http/, 'ws')}/ws${who.cookie ? '' : `?access_token=${who.token}`}`, {
      channelEndpoint: `${url}/channels`,
      ...byToken,
      WebSocket: Watched,
      fetch: async (address, init) => {
        const answer = await fetch(address, init);
        app.posts.push(`${new URL(address).pathname} ${answer.status}`);
        for (const check of app.#watching) check();
        return answer;
      },
      ...options,
    });
    this.notifier.onStatus((status) => {
      app.states.push(status);
      for (const check of app.#watching) check();
    });
  }

  /** Listens for a type. */
  on(type) {
    return this.notifier.on(type, (data, envelope) => this.events.put(envelope));
  }

  async until(condition, what) {
    if (condition()) return;
    let check;
    const seen = new Promise((resolve) => {
      check = () => condition() && resolve();
      this.#watching.push(check);
    });
    await within(seen, what);
  }

  connected() {
    return this.until(() => this.notifier.status() === 'connected', 'connection');
  }

  /** Fails unless every frame was the pong, or an event of one of the types. */
  sawOnly(...types) {
    for (const frame of this.frames) {
      if (typeof frame !== 'string') throw new Error('a frame that is no text');
      const envelope = JSON.parse(frame);
      if (frame === '{"type":"pong"}') continue;
      if (!types.includes(envelope.type)) throw new Error(`the app was shown ${frame}`);
      for (const [name, kind] of [['id', 'string'], ['ts', 'number']]) {
        if (typeof envelope[name] !== kind) throw new Error(`${name} of ${frame}`);
      }
    }
  }
}

const scenes = {
  /** Lazy: nothing is opened before somebody listens, and it is closed when nobody does. */
  async delivers(at) {
    const app = at.app(await at.user());
    equal(app.notifier.status(), 'idle', 'status');
    const off = app.on('order.paid');
    await app.connected();
    equal(app.states, ['connecting', 'connected'], 'states');
    equal(app.frames, [], 'frames before an event');
    await at.ask('publish', app.who.user, [
      { type: 'order.paid', data: { order: 7 }, id: 'own' }, { type: 'unheard', data: null }, { type: 'order.paid', data: [1, 'ü\u2028'] },
    ]);
    const [first, second] = await app.events.take(2);
    equal([first.data, first.id, second.data], [{ order: 7 }, 'own', [1, 'ü\u2028']], 'events');
    equal('channel' in first, false, 'an event to a user has a channel');
    equal(app.notifier.lastEvent('unheard').data, null, 'the one that nobody listens to');
    app.sawOnly('order.paid', 'unheard');
    off();
    equal(app.notifier.status(), 'idle', 'status');
    await at.ask('idle');
    app.on('order.paid');
    await app.connected();
    app.notifier.close();
    await at.ask('idle');
    equal(app.notifier.status(), 'closed', 'status');
  },

  /** Presence, gaps, replays and the server's pings are nothing that the client knows. */
  async showsNothingElse(at) {
    const app = at.app(await at.user());
    await at.ask('addMember', 'presence-room', app.who.user);
    await at.ask('addMember', 'presence-room', `${app.who.user}-other`);
    app.on('t');
    app.on('hubline.member_joined');
    await app.connected();
    await at.ask('comeAndGo', `${app.who.user}-other`);
    await at.ask('publish', app.who.user, [{ type: 't', data: 1 }]);
    await app.events.take(1);
    await at.ask('replay', app.who.user);
    await app.events.take(1, 'replayed events');
    await at.ask('pause'); // several pings of the server
    await at.ask('disconnect', app.who.user, { reason: 'Signed out' });
    await app.until(() => app.closes.length > 0 && app.notifier.status() === 'connected', 'return');
    equal(app.closes, [[1000, 'Signed out']], 'how it was closed');
    await at.ask('publish', app.who.user, [{ type: 't', data: 2 }]);
    const [event] = await app.events.take(1);
    equal(event.data, 2, 'data');
    app.sawOnly('t');
  },

  /** Channels are joined at every open; a refusal is told only to who asks while connected. */
  async joinsChannels(at) {
    const app = at.app(await at.user());
    const names = Array.from({ length: 100 }, (_, i) => `${app.who.user}-${i}`);
    for (const name of names) await app.notifier.subscribe(name);
    equal(app.posts, [], 'POSTs before it is connected');
    app.on('headline');
    await app.connected();
    await app.until(() => app.posts.length === 100, '100 answers');
    equal(app.posts.filter((post) => post !== '/channels/subscribe 200'), [], 'refused');
    equal(await refusal(app.notifier.subscribe('private-x'), 'a private channel'), 'Forbidden', 'the text to show');
    equal(await refusal(app.notifier.subscribe('a b'), 'no name'), 'Missing or invalid channel name', 'the text to show');
    await app.notifier.subscribe(names[7]); // again
    await at.ask('publishTo', names[7], { type: 'headline', data: 'x' });
    const [event] = await app.events.take(1);
    equal([event.channel, event.data], [names[7], 'x'], 'event');
    await app.notifier.unsubscribe(names[7]);
    await app.notifier.unsubscribe('never-seen');
    equal(app.posts.slice(-2), ['/channels/unsubscribe 200', '/channels/unsubscribe 200'], 'POSTs');
    await at.ask('publishTo', names[7], { type: 'headline', data: 'y' });
    await at.ask('publishTo', names[8], { type: 'headline', data: 'z' });
    equal((await app.events.take(1))[0].data, 'z', 'after leaving');
    app.sawOnly('headline');
  },

  /** The server is killed: the client comes back, joins again, and goes on. */
  async comesBack(at) {
    const app = at.app(await at.user());
    await app.notifier.subscribe('news');
    app.on('headline');
    await app.connected();
    await app.until(() => app.posts.length === 1, 'first subscription');
    await at.ask('kill');
    await app.until(() => app.notifier.status() === 'reconnecting', 'loss');
    await at.ask('up');
    await app.until(() => app.notifier.status() === 'connected' && app.posts.length === 2, 'second subscription');
    equal(app.posts, ['/channels/subscribe 200', '/channels/subscribe 200'], 'POSTs');
    await at.ask('publishTo', 'news', { type: 'headline', data: 1 });
    equal((await app.events.take(1))[0].data, 1, 'data');
    app.sawOnly('headline');
  },

  /** A tab that listens from the start, and two of one user: both are shown the same bytes. */
  async showsAllTabsTheSame(at) {
    const who = await at.user();
    const tabs = [at.app(who, { lazy: false }), at.app(who, { lazy: false })];
    for (const tab of tabs) {
      await tab.connected();
      tab.on('t');
    }
    await at.ask('publish', who.user, Array.from({ length: 50 }, (_, data) => ({ type: 't', data })));
    for (const tab of tabs) {
      const got = await tab.events.take(50);
      equal(got.map(({ data }) => data), Array.from({ length: 50 }, (_, i) => i), 'order');
    }
    equal(tabs[0].frames, tabs[1].frames, 'frames');
  },

  /** A page that may not come in is told nothing, however good its cookie is. */
  async isRefused(at) {
    const app = at.app(at.visitor());
    app.on('t');
    await app.until(() => app.states.filter((status) => status === 'reconnecting').length === 2, 'second refusal');
    equal(app.closes.map(([code]) => code), [1006, 1006], 'closes');
    equal(app.states.includes('connected'), false, 'connected');
    const body = '{"channel":"csrf"}';
    const ways = [
      { credentials: 'include', headers: { 'Content-Type': 'application/json' } },
      { credentials: 'include', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' } }, // as a form does
    ];
    for (const way of ways) await fetch(`${at.url}/channels/subscribe`, { method: 'POST', body, ...way }).catch(() => {});
    const read = await fetch(`${at.url}/events?wait=0&since=0`, { credentials: 'include' }).then((answer) => answer.text(), () => 'unreadable');
    equal(read, 'unreadable', 'a poll');
    equal(await at.ask('members', 'csrf'), [], 'members');
    equal(app.frames, [], 'frames');
    app.notifier.close();
  },
};

/** Plays a scene. parts: url, ask; in Node also WebSocket. visitor: whose cookie the browser has, if any. */
export async function play(parts, name, visitor) {
  const apps = [];
  const at = {
    ...parts,
    user: () => (visitor ? { ...visitor, cookie: true } : parts.ask('user')),
    visitor: () => ({ ...visitor, cookie: true }),
    app: (...args) => {
      apps.push(new App(parts, ...args));
      return apps.at(-1);
    },
  };
  try {
    await scenes[name](at);
  } finally {
    for (const app of apps) app.notifier.close();
  }
}
