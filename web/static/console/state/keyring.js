// Of a key that is kept, only this tab knows, and only until it is closed. A key has
// no business in localStorage, in a cookie or in the URL.
const storageKey = 'hubline.key';

/** The API key of the administrator's views: pasted, or the demo's own. */
export class KeyRing {
  #base;
  #fetch;
  #storage;
  #key = null;
  /** @type {'pasted'|'demo'|null} */
  source = null;

  /** @param {{base: string, fetch: typeof fetch, storage: Storage}} deps */
  constructor({ base, fetch, storage }) {
    this.#base = base;
    this.#fetch = fetch;
    this.#storage = storage;
  }

  get key() {
    return this.#key;
  }

  /**
   * Looks for a key: the one kept in this tab, else the demo's, if this is the demo's
   * own machine. False if one has to be pasted.
   * @param {import('./session.js').Here} here
   */
  async begin({ demo, local }) {
    const kept = this.#storage.getItem(storageKey);
    if (kept) this.#use(kept, 'pasted');
    else if (demo && local) await this.fetchDemo();
    return this.#key !== null;
  }

  /**
   * Asks for the demo's key; false if it is not given. It is a POST, with which browsers
   * name the page's origin, and the server gives it to its own page only.
   */
  async fetchDemo() {
    let response;
    try {
      response = await this.#fetch(`${this.#base}demo/key`, { method: 'POST', cache: 'no-store', credentials: 'omit' });
    } catch {
      return false; // whatever is asked next says that the server is away
    }
    if (!response.ok) return false;
    const { key } = await response.json();
    if (typeof key !== 'string' || !key) return false;
    this.#use(key, 'demo');
    return true;
  }

  /**
   * Takes a pasted key. Returns what is wrong with it, or "".
   * @param {boolean} keep in this tab, so that it outlives a reload
   */
  paste(text, keep) {
    const key = text.trim().replace(/^Bearer\s+/i, '');
    if (!key) return 'Paste a key first.';
    if (/\s/.test(key)) return 'That is more than a key: it has spaces in it.';
    if (!/^[\x21-\x7e]+$/.test(key)) return 'That is not a key: it has characters that no key has.';
    this.#use(key, 'pasted');
    if (keep) this.#storage.setItem(storageKey, key);
    else this.#storage.removeItem(storageKey);
    return '';
  }

  /** Forgets the key. */
  end() {
    this.#storage.removeItem(storageKey);
    this.#key = this.source = null;
  }

  #use(key, source) {
    this.#key = key;
    this.source = source;
  }
}
