/** An HTTP answer that was not a success. */
export class HTTPError extends Error {
  /**
   * @param {number} status
   * @param {string} message what the server said, for people
   * @param {number} [retryAfterMs] from Retry-After
   */
  constructor(status, message, retryAfterMs) {
    super(message);
    this.name = 'HTTPError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** fetch, with words for people in place of the browser's "Failed to fetch". */
export function request(env, url, init) {
  return env.fetch(url, init).catch((cause) => {
    throw new Error('the server cannot be reached', { cause });
  });
}

/** Turns a failed response into an HTTPError, with the problem's own words if it has any. */
export async function errorFrom(response) {
  const body = await response.json().catch(() => null);
  const words = body?.detail ?? body?.title ?? body?.error;
  const message = typeof words === 'string' && words ? words : `the server answered ${response.status}`;
  const seconds = Number(response.headers.get('Retry-After'));
  return new HTTPError(response.status, message, seconds > 0 ? seconds * 1000 : undefined);
}

/**
 * Asks for a connection (POST <url>/negotiate). The answer's connectionToken is a
 * ticket for one connect within 60 s, so the bearer token never stands in a URL.
 * @returns {Promise<{connectionId: string, connectionToken: string, cursor?: string,
 *   availableTransports: {transport: string}[]}>}
 * @throws {HTTPError} on any other answer than 200 without an error
 */
export async function negotiate({ url, token, signal, env }) {
  const response = await request(env, `${url}/negotiate?negotiateVersion=1`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    cache: 'no-store',
    signal,
  });
  if (!response.ok) throw await errorFrom(response);
  const offer = await response.json();
  if (offer?.error) throw new HTTPError(response.status, offer.error);
  if (!offer?.connectionToken) throw new HTTPError(response.status, 'the negotiate answer has no connectionToken');
  return offer;
}
