// sessionStorage ends with the tab and is not shared with others; a token has no
// business in localStorage, in a cookie or in the URL.
const storageKey = 'hubline.token';

/**
 * What the server says of itself: paths to type beside it, for a browser on its own
 * machine, and whether there is a demo.
 * @typedef {{program?: string, token?: string, keyFile?: string, demo: boolean, local: boolean}} Here
 */

/**
 * Where the page's token comes from: the server's demo session if it runs with
 * --demo, else the one pasted by the user.
 */
export class Session {
  #base;
  #fetch;
  #storage;
  #token = null;
  #looked = false;
  /** @type {{user: string, demo: boolean, note: string} | null} */
  who = null;
  /** Whether the server is known to give demo sessions. */
  demoOffered = false;
  /** @type {Here} */
  here = { demo: false, local: false };

  /** @param {{base: string, fetch: typeof fetch, storage: Storage}} deps */
  constructor({ base, fetch, storage }) {
    this.#base = base;
    this.#fetch = fetch;
    this.#storage = storage;
  }

  /** Finds a token; false if the user has to paste one. A pasted one wins over the demo's. */
  async begin() {
    await this.look();
    const kept = this.#storage.getItem(storageKey);
    if (kept) this.#use(kept, { user: userOf(kept), demo: false, note: '' });
    else if (this.here.demo) await this.#fetchDemo();
    return this.who !== null;
  }

  /** What the server says of itself, asked once. */
  async look() {
    if (this.#looked) return this.here;
    const response = await this.#fetch(`${this.#base}console/here.json`, { cache: 'no-store' });
    if (!response.ok) throw new Error(`console/here.json answered ${response.status}`);
    this.here = await response.json();
    this.#looked = true;
    return this.here;
  }

  /** Takes a pasted token. Returns what is wrong with it, or "". */
  paste(text) {
    const token = text.trim().replace(/^Bearer\s+/i, '');
    if (!token) return 'Paste a token first.';
    if (/\s/.test(token)) return 'That is more than a token: it has spaces in it.';
    this.#use(token, { user: userOf(token), demo: false, note: '' });
    this.#storage.setItem(storageKey, token);
    return '';
  }

  /** The token for the client. A demo token is renewed; a pasted one is all there is. */
  async token(fresh) {
    if (fresh && this.who?.demo) await this.#fetchDemo();
    return this.#token;
  }

  /** Forgets the pasted token. */
  end() {
    this.#storage.removeItem(storageKey);
    this.#token = null;
    this.who = null;
  }

  async #fetchDemo() {
    const response = await this.#fetch(`${this.#base}demo/session`, { cache: 'no-store' });
    if (response.status === 404) return;
    if (!response.ok) throw new Error(`demo/session answered ${response.status}`);
    const { user, token, note = '' } = await response.json();
    this.demoOffered = true;
    this.#use(token, { user, demo: true, note });
  }

  #use(token, who) {
    this.#token = token;
    this.who = who;
  }
}

/** The user a JWT names, for display only: the server is the one who checks it. */
export function userOf(token) {
  try {
    const [, payload] = token.split('.');
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === 'string' && sub ? sub : 'unknown';
  } catch {
    return 'unknown';
  }
}
