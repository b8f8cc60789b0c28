/**
 * A browser client for Hubline's native events: one user's events in order, each
 * once, over whichever transport gets through, continued after every break from
 * the cursor reached.
 *
 *   const client = new HublineClient({ url: '/events', token: () => fetchToken() });
 *   client.on('event', ({ event, origin }) => …);
 *   client.on('gap', (gap) => refetchEverything());
 *   client.connect();
 */
import { Attempts } from './attempts.js';
import { Position, parseCursor } from './cursor.js';
import { Emitter } from './emitter.js';
import { browser } from './env.js';
import { blamesTransport, fateOf } from './fate.js';
import { negotiate } from './http.js';
import { Inbox } from './inbox.js';
import { openLongPoll } from './longpoll.js';
import { openSSE } from './sse.js';
import { openWebSocket } from './websocket.js';

/**
 * One way of carrying events. See websocket.js for the rules it keeps.
 * @typedef {(link: {url: string, query: Record<string, string>, ticket: string, token: string, offer: object,
 *   env: object, onMessage: (message: object) => void, onDown: (error: Error) => void}) => {close: () => void}} Carrier
 */
const carriers = { WebSockets: openWebSocket, ServerSentEvents: openSSE, LongPolling: openLongPoll };

/** Transport names as on the wire, best first. */
export const transports = Object.freeze(Object.keys(carriers));

export class HublineClient {
  #options;
  #env;
  #emitter = new Emitter();
  #attempts;
  #position = new Position();
  #since;
  #mode = 'auto';
  #state = 'idle';
  // Number of the current attempt: whatever an older one still reports is ignored.
  #generation = 0;
  #link = null;
  #timer;
  #abort;
  #wasReady = false;
  // A new token is to be asked for; one was asked for since the last good connection.
  #wantsToken = false;
  #askedToken = false;
  // The last token, and the answer that refused it.
  #token = null;
  #refusal = null;

  /**
   * @param {object} options
   * @param {string} options.url absolute URL of the events endpoint
   * @param {(fresh: boolean) => string | Promise<string>} options.token gives the bearer token; fresh
   *   asks for a new one because the last was refused or has expired
   * @param {string} [options.since] where to begin (contract: cursor, seq, "0", "latest", "device"). Default "latest"
   * @param {string} [options.types] comma list of event types. Default all
   * @param {number} [options.connectTimeoutMs] for negotiate, and again for each transport until it is
   *   ready. Default 8,000
   * @param {number} [options.backoffBaseMs] default 1,000
   * @param {number} [options.backoffCapMs] default 30,000
   * @param {object} [options.env] fetch, WebSocket, setTimeout, clearTimeout, now, random; for tests
   */
  constructor(options) {
    this.#options = { connectTimeoutMs: 8000, backoffBaseMs: 1000, backoffCapMs: 30_000, ...options };
    this.#since = options.since ?? 'latest';
    this.#env = { ...browser(), ...options.env };
    this.#attempts = new Attempts({
      baseMs: this.#options.backoffBaseMs,
      capMs: this.#options.backoffCapMs,
      random: this.#env.random,
    });
  }

  /**
   * Adds a handler and returns the function that removes it. Names and values:
   * - state `{state, transport, attempt, retryAt, error}`: idle | connecting | connected | waiting | offline | stopped
   * - ready `{transport, connectionId, cursor, head, oldest, replayed, recovered, resumed}`
   * - event `{event, origin}`; origin: live | replay | redelivery (an operator's, possibly seen before)
   * - gap `{from, to, reason}`: these events will never come; refetch the state they would have changed
   * - caughtup `{count, tookMs, recovered, gap, transport}`: the replay after a resume is over
   * - closing `{reason, retryAfterMs}`, cursor `{cursor}`
   */
  on(name, handler) {
    return this.#emitter.on(name, handler);
  }

  get state() {
    return this.#state;
  }

  /** The cursor to resume after, or null before the first connect. */
  get cursor() {
    return this.#position.text;
  }

  /** The transport asked for: "auto" or one of `transports`. */
  get mode() {
    return this.#mode;
  }

  /**
   * Connects, or reconnects if connected, and resumes after the cursor.
   * @param {{transport?: string, since?: string}} [change] since moves the cursor first, also backwards:
   *   events handed out before come again
   */
  connect({ transport = this.#mode, since } = {}) {
    if (transport !== 'auto' && !Object.hasOwn(carriers, transport)) {
      throw new TypeError(`unknown transport ${transport}`);
    }
    this.#mode = transport;
    if (since !== undefined) {
      this.#since = since;
      this.#position.reset(parseCursor(since) ? since : null);
      this.#wasReady = since !== 'latest';
    }
    this.#attempts.reset();
    this.#askedToken = false;
    this.#refusal = null;
    this.#start();
  }

  /** Closes the connection and stays away until connect(). The cursor is kept. */
  disconnect() {
    this.#drop();
    this.#setState('offline');
  }

  /** Ends a wait early: the network came back, or a person asked. */
  retryNow() {
    if (this.#state === 'waiting') this.#start();
  }

  #setState(state, more = {}) {
    this.#state = state;
    const transport = this.#link?.transport ?? null;
    this.#emitter.emit('state', { state, transport, attempt: this.#attempts.count, retryAt: null, error: null, ...more });
  }

  #drop() {
    this.#generation++;
    this.#env.clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
    this.#link?.carrier?.close();
    this.#link = null;
  }

  #start() {
    this.#drop();
    const generation = this.#generation;
    this.#setState('connecting');
    // A handler of that state may have called connect() or disconnect().
    if (generation !== this.#generation) return;
    this.#negotiate(generation).catch((error) => {
      if (generation === this.#generation) this.#failed(error);
    });
  }

  async #negotiate(generation) {
    const startedAt = this.#env.now();
    const { url } = this.#options;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#timer = this.#env.setTimeout(() => {
      if (generation === this.#generation) this.#failed(new Error('the server did not answer in time'));
    }, this.#options.connectTimeoutMs);

    const token = await this.#options.token(this.#wantsToken);
    if (generation !== this.#generation) return;
    // There is no other one: asking again would only be refused again.
    if (this.#wantsToken && this.#refusal && token === this.#token) throw this.#refusal;
    this.#wantsToken = false;
    this.#token = token;
    const offer = await negotiate({ url, token, signal, env: this.#env });
    if (generation !== this.#generation) return;
    this.#env.clearTimeout(this.#timer);

    // From here on nothing is missed, even if the first transport fails.
    if (!this.#position.text && this.#since === 'latest' && parseCursor(offer.cursor)) {
      this.#position.reset(offer.cursor);
    }
    const offered = offer.availableTransports?.map((item) => item.transport) ?? transports;
    const transport = this.#attempts.choose(this.#mode, transports, offered, startedAt);
    if (!transport) throw Object.assign(new Error(`the server does not offer ${this.#mode}`), { final: true });
    this.#open(transport, { offer, token, startedAt });
  }

  #open(transport, { offer, token, startedAt }) {
    const generation = this.#generation;
    const query = { since: this.#position.text ?? this.#since };
    if (this.#options.types) query.types = this.#options.types;

    const inbox = new Inbox(
      { transport, startedAt, resumed: this.#wasReady, epoch: parseCursor(offer.cursor)?.epoch },
      { position: this.#position, emit: (name, value) => this.#emitter.emit(name, value), now: this.#env.now },
    );
    const link = { transport, inbox, carrier: null, readyAt: null };
    this.#link = link;
    this.#setState('connecting');
    if (generation !== this.#generation) return;
    this.#timer = this.#env.setTimeout(
      () => this.#down(new Error(`no answer over ${transport}`)),
      this.#options.connectTimeoutMs,
    );
    try {
      link.carrier = carriers[transport]({
        url: this.#options.url,
        query,
        ticket: offer.connectionToken,
        token,
        offer,
        env: this.#env,
        // A carrier is silent after its close(), so both only ever speak of this link.
        onMessage: (message) => this.#receive(message),
        onDown: (error) => this.#down(error),
      });
    } catch (error) {
      this.#down(error);
    }
  }

  #receive(message) {
    const link = this.#link;
    const type = message?.type;
    // Control data stands under data, like an event's.
    const data = message?.data ?? {};
    if (type === 'hubline.ready') this.#ready(data);
    else if (type === 'hubline.gap') link.inbox.gap(data);
    else if (type === 'hubline.cursor') link.inbox.cursor(data);
    else if (type === 'hubline.closing') this.#closing(data);
    // A control message has no seq; hubline.member_joined and the like are events and have one.
    else if (typeof type === 'string' && message.seq !== undefined) link.inbox.event(message);
  }

  #ready(data) {
    const link = this.#link;
    this.#env.clearTimeout(this.#timer);
    link.readyAt = this.#env.now();
    this.#wasReady = true;
    this.#attempts.opened(link.transport, link.readyAt);
    this.#setState('connected');
    if (link === this.#link) link.inbox.ready(data);
  }

  #closing(data) {
    this.#emitter.emit('closing', data);
    const { reason, retryAfterMs } = data;
    this.#down(Object.assign(new Error(`the server closed the stream: ${reason}`), { reason, retryAfterMs }));
  }

  // The link is gone, before or after it was ready.
  #down(error) {
    const link = this.#link;
    if (!link) return;
    if (link.readyAt === null) {
      this.#attempts.failed(link.transport);
      if (blamesTransport(error) && this.#attempts.hasAnother) {
        this.#start();
        return;
      }
    } else if (this.#attempts.closed(this.#env.now() - link.readyAt)) {
      this.#askedToken = false;
    }
    this.#failed(error);
  }

  #failed(error) {
    const fate = fateOf(error);
    const { retryAfterMs } = error;
    // A second refusal, of a token just asked for, is final.
    if (fate === 'stop' || (fate === 'renew' && this.#askedToken)) {
      this.#drop();
      this.#setState('stopped', { error });
      return;
    }
    if (fate === 'renew') {
      this.#wantsToken = this.#askedToken = true;
      this.#refusal = error.status === 401 ? error : null;
    }
    if (fate === 'renew' && !retryAfterMs) {
      this.#start();
      return;
    }
    this.#drop();
    const delay = this.#attempts.nextDelay(retryAfterMs);
    this.#timer = this.#env.setTimeout(() => this.#start(), delay);
    this.#setState('waiting', { error, retryAt: this.#env.now() + delay });
  }
}
