/** What the server, or the way to it, had against a call. */
export class CallError extends Error {
  /**
   * @param {string} message for people
   * @param {{status?: number, type?: string}} [answer] status 0: there was no answer
   */
  constructor(message, { status = 0, type = '' } = {}) {
    super(message);
    this.name = 'CallError';
    this.status = status;
    /** The last part of the problem's type, such as "scope". */
    this.type = type;
  }
}

const timeoutMs = 20_000;

/**
 * The calls of the backend API that the page makes with an administrator's key. The
 * key travels in the Authorization header and nowhere else.
 */
export class AdminAPI {
  #base;
  #fetch;
  #key;
  #onDate;

  /**
   * @param {object} deps
   * @param {string} deps.base URL of the page with a slash at the end
   * @param {() => string|null} deps.key the key of this moment
   * @param {(serverMs: number, now: number) => void} [deps.onDate] is told the time of each answer
   */
  constructor({ base, fetch, key, onDate = () => {} }) {
    this.#base = base;
    this.#fetch = fetch;
    this.#key = key;
    this.#onDate = onDate;
  }

  /**
   * A piece of a user's log, oldest first.
   * @param {{since: string, limit: number, types?: string[], device?: string, from?: number, to?: number}} query
   */
  log(user, query, signal) {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === null || value === '' || value.length === 0) continue;
      params.set(name, Array.isArray(value) ? value.join(',') : String(value));
    }
    return this.#call(user, `events?${params}`, { signal });
  }

  devices(user, signal) {
    return this.#call(user, 'devices', { signal });
  }

  /** @param {{since: string, until?: string, types?: string[], device?: string, dryRun: boolean}} body */
  replay(user, body, signal) {
    return this.#call(user, 'replays', { method: 'POST', body: JSON.stringify(body), signal });
  }

  async #call(user, rest, { method = 'GET', body, signal } = {}) {
    const wrong = wrongUser(user);
    if (wrong) throw new CallError(wrong, { status: 400, type: 'bad-request' });
    const headers = { Authorization: `Bearer ${this.#key() ?? ''}` };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let response;
    try {
      response = await this.#fetch(`${this.#base}api/v1/users/${encodeURIComponent(user)}/${rest}`, {
        method, body, headers, cache: 'no-store', credentials: 'omit', redirect: 'error',
        signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : AbortSignal.timeout(timeoutMs),
      });
    } catch (err) {
      if (signal?.aborted) throw err;
      throw new CallError(err.name === 'TimeoutError' ? 'The server does not answer.' : 'The server cannot be reached.');
    }
    this.#onDate(Date.parse(response.headers.get('date') ?? ''), Date.now());
    if (!response.ok) throw await refusalOf(response);
    try {
      return await response.json();
    } catch (err) {
      if (signal?.aborted) throw err;
      throw new CallError('The answer broke off.');
    }
  }
}

/** What keeps a name from being a user that can be asked for, or "". */
export function wrongUser(user) {
  if (!user) return 'Name a user.';
  // Browsers take these two out of a path, however they are written.
  if (user === '.' || user === '..') return 'A browser cannot ask for a user of this name.';
  if (new TextEncoder().encode(user).length > 256) return 'A user\u2019s name has 256 bytes at most.';
  return '';
}

async function refusalOf(response) {
  const problem = await response.json().catch(() => null);
  const type = typeof problem?.type === 'string' ? problem.type.split('/').at(-1) : '';
  const words = [problem?.title, problem?.detail].filter((text) => typeof text === 'string' && text);
  const message = words.length ? words.map((text) => text.replace(/\.?$/, '.')).join(' ') : `The server answered ${response.status}.`;
  return new CallError(message, { status: response.status, type });
}
