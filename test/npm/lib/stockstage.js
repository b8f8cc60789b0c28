import ws from 'ws';
import { play } from '../client/stock.js';
import { noChromium } from './chromium.js';
import { Hubline, request } from './hubline.js';
import { Stage } from './stage.js';
import { Site } from './static.js';

const cookie = 'hubline';

/** A server for apps of durable-notifier: two sites, of which one may come in, and a cookie. */
export class StockStage extends Stage {
  /** Another origin on the server's own site, so that its cookie goes along; not allowed. */
  stranger;

  static async set({ addr, flags = [] } = {}) {
    const stage = new StockStage();
    stage.site = await Site.start();
    stage.stranger = await Site.start();
    const allowed = [stage.site.url, stage.neighbour].map((origin) => `--allowed-origins=${origin}`);
    stage.hubline = await Hubline.start({ addr, flags: [...allowed, `--token-cookie=${cookie}`, ...flags] });
    return stage;
  }

  /** The allowed site, as another origin of the server's site: a cookie needs no SameSite=None there. */
  get neighbour() {
    return this.site.url.replace('localhost', '127.0.0.1');
  }

  async #api(method, path, body, credentials) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await request(`${this.url}${path}`, {
      method,
      headers: {
        'Authorization': `Bearer ${credentials ?? await this.hubline.key()}`, 'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(text), // Node frames no body of a DELETE by itself
      },
      body: text,
    });
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  }

  deeds = {
    ...this.deeds,
    publishTo: (channel, event) => this.#api('POST', `/api/v1/channels/${channel}/events`, event),
    members: async (channel) => (await this.#api('GET', `/api/v1/channels/${channel}/members`)).members.map(({ user }) => user),
    addMember: (channel, user) => this.#api('PUT', `/api/v1/channels/${channel}/members/${user}`),
    disconnect: (user, body) => this.#api('DELETE', `/api/v1/users/${user}/connections`, body),
    replay: (user) => this.#api('POST', `/api/v1/users/${user}/replays`, { since: 0 }),
    /** Another user comes, so that presence channels have something to tell, and leaves. */
    comeAndGo: async (user) => this.#poll(await this.hubline.token(user), 0),
    /** Some seconds of the server's, which pings every second. */
    pause: async () => this.#poll(await this.hubline.token('clock'), 3.5),
  };

  #poll(token, seconds) {
    return this.#api('GET', `/events?wait=${seconds}`, undefined, token);
  }

  async close() {
    await this.stranger?.close();
    await super.close();
  }
}

/** Where such an app runs: in Node with a token, in pages with a token or with the cookie. */
export const stockPlaces = [
  {
    name: 'Node',
    open: async (stage) => ({
      play: (scene) => play({ url: stage.url, ask: (deed, ...args) => stage.deeds[deed](...args), WebSocket: ws }, scene),
      close: async () => {},
    }),
  },
  { name: 'Chromium, a page of another site with a token', skip: noChromium, open: (stage) => StockPage.open(stage, stage.site.url) },
  { name: 'Chromium, a page of the server', skip: noChromium, open: (stage) => StockPage.open(stage, `${stage.url}/healthz`, { signedIn: true }) },
  { name: 'Chromium, a page of another origin with a cookie', skip: noChromium, open: (stage) => StockPage.open(stage, stage.neighbour, { signedIn: true }) },
];

/** A page with a browser's cookies. */
export class StockPage {
  #stage;
  #page;
  #signedIn;

  static async open(stage, address, { signedIn = false } = {}) {
    const it = new StockPage();
    it.#stage = stage;
    it.#page = await stage.newPage();
    it.#signedIn = signedIn;
    await it.#page.exposeFunction('ask', ([deed, ...args]) => stage.deeds[deed](...args));
    await it.#page.goto(address);
    return it;
  }

  /** Plays a scene; who is signed in is another user each time. */
  async play(scene) {
    const visitor = this.#signedIn ? await this.#signIn() : undefined;
    await this.#page.evaluate(async ([site, url, name, who]) => {
      const { play: playHere } = await import(`${site}/stock.js`);
      await playHere({ url, ask: (...asked) => globalThis.ask(asked) }, name, who);
    }, [this.#stage.site.url, this.#stage.url, scene, visitor]);
  }

  /** Sets the cookie, as a login does. The token stays out of the page. */
  async #signIn() {
    const { user, token } = await this.#stage.hubline.user();
    await this.#page.context().addCookies([{
      name: cookie, value: token, domain: new URL(this.#stage.url).hostname, path: '/', httpOnly: true, sameSite: 'Lax',
    }]);
    return { user };
  }

  close() {
    return this.#page.close();
  }
}
