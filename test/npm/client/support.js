// For both sides: nothing here needs Node or a browser.

/** Waits for a promise, but not for ever. */
export async function within(promise, what, ms = 20_000) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise with its handles. */
export function deferred() {
  const handles = {};
  handles.promise = new Promise((resolve, reject) => Object.assign(handles, { resolve, reject }));
  return handles;
}

/** What has come in, in order, until it is taken. */
export class Inbox {
  #items = [];
  #wanted = 0;
  #arrived = null;

  put(item) {
    this.#items.push(item);
    if (this.#arrived && this.#items.length >= this.#wanted) this.#arrived.resolve();
  }

  /** The next n items; waits for them. */
  async take(n, what = 'events') {
    if (this.#items.length < n) {
      this.#wanted = n;
      this.#arrived = deferred();
      try {
        await within(this.#arrived.promise, `${n} ${what}`);
      } catch (err) {
        throw new Error(`${err.message}; there are ${this.#items.length}: ${show(this.#items.slice(-3))}`);
      } finally {
        this.#arrived = null;
      }
    }
    return this.#items.splice(0, n);
  }

  get size() {
    return this.#items.length;
  }
}

/** A value as text in which whatever differs looks different. */
export function show(value) {
  const text = JSON.stringify(value, function tag(key, plain) {
    const it = this[key]; // before toJSON
    if (it instanceof Date) return `Date(${it.getTime()})`;
    if (it instanceof Uint8Array) return `bytes(${it})`;
    if (it === undefined) return 'undefined';
    if (typeof it === 'number' && !Number.isFinite(it)) return String(it);
    if (plain && typeof plain === 'object' && !Array.isArray(plain)) {
      return Object.fromEntries(Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : 1)));
    }
    return plain;
  });
  return text.length > 4000 ? `${text.slice(0, 4000)}…(${text.length})` : text;
}

/** Fails unless got and want are the same value, whatever the order of keys. */
export function equal(got, want, what) {
  if (Array.isArray(got) && Array.isArray(want) && got.length === want.length) {
    got.forEach((item, i) => equal(item, want[i], `${what}[${i}]`));
    return;
  }
  if (show(got) !== show(want)) throw new Error(`${what} = ${show(got)}, want ${show(want)}`);
}

export function matches(got, pattern, what) {
  if (typeof got !== 'string' || !pattern.test(got)) throw new Error(`${what} = ${show(got)}, want ${pattern}`);
}

/** The message that a promise is rejected with. */
export async function refusal(promise, what) {
  let value;
  try {
    value = await within(promise, `refusal of ${what}`);
  } catch (err) {
    return err.message;
  }
  throw new Error(`${what} was not refused: ${show(value)}`);
}
