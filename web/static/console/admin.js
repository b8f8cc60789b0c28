/** Wires the administrator's view: key → API → a user's log → views. */
import { AdminAPI, wrongUser } from './state/adminapi.js';
import { KeyRing } from './state/keyring.js';
import { Poller } from './state/poller.js';
import { Skew } from './state/skew.js';
import { UserLog } from './state/userlog.js';
import { AdminHead } from './view/adminhead.js';
import { DevicesView } from './view/devices.js';
import { byId, el, setText } from './view/dom.js';
import { FiltersView } from './view/filters.js';
import { GateView } from './view/gate.js';
import { LogView } from './view/logview.js';
import { ProgressView } from './view/progress.js';
import { ReplayView } from './view/replay.js';

const pollMs = 2000;

/** The view of a user's log, backups and devices, and the replays. */
export class Admin {
  #skew = new Skew();
  #ring;
  #api;
  #here;
  #announce;
  #onUser;
  /** @type {UserLog|null} */
  #log = null;
  #poller = new Poller((signal) => this.#update(signal), { everyMs: pollMs });
  #sought = false; // a key has been looked for
  #retried = false; // the demo's key was fetched anew since it last did

  #head = new AdminHead({
    onUser: (user) => this.open(user),
    onChangeKey: () => {
      this.#ring.end();
      this.#askForKey('');
    },
    onReplay: () => this.#replay({ types: (this.#filters.query.types ?? []).join(', '), device: this.#filters.query.device }),
  });
  #gate = new GateView({ onKey: (text, keep) => this.#paste(text, keep), onDemo: () => this.#useDemo() });
  #filters = new FiltersView(() => this.#refilter());
  #logView = new LogView(
    {
      list: byId('log'), empty: byId('log-empty'), note: byId('log-note'), older: byId('log-older'), end: byId('log-end'),
      follow: byId('log-follow'),
    },
    (event) => this.#actionsOf(event),
  );
  #runsView = new ProgressView({ list: byId('admin-runs'), empty: byId('admin-runs-empty') });
  #devicesView = new DevicesView(
    { list: byId('devices'), empty: byId('devices-empty'), note: byId('devices-note') },
    { onReplay: (device) => this.#replay({ device }), onEvents: (device) => this.#filters.set({ device }) },
  );
  #replayView = new ReplayView((user, body) => this.#api.replay(user, body), (words) => {
    this.#announce(words);
    this.#poller.start();
  });

  /**
   * @param {object} deps
   * @param {string} deps.base URL of the page with a slash at the end
   * @param {() => Promise<import('./state/session.js').Here>} deps.here what the server says of itself
   * @param {(text: string, where?: string) => void} deps.announce tells people who do not look
   * @param {(user: string) => void} deps.onUser is told whose log is opened
   */
  constructor({ base, fetch, storage, here, announce, onUser }) {
    this.#here = () => here().catch(() => ({ demo: false, local: false }));
    this.#announce = announce;
    this.#onUser = onUser;
    this.#ring = new KeyRing({ base, fetch, storage });
    this.#api = new AdminAPI({ base, fetch, key: () => this.#ring.key, onDate: (at, now) => this.#skew.see(at, now) });
    byId('log-follow').addEventListener('click', ({ currentTarget }) => this.#during(currentTarget, (log) => (
      log.following && log.pending === 0 ? log.hold() : log.follow())));
    byId('log-older').addEventListener('click', ({ currentTarget }) => this.#during(currentTarget, (log) => log.older()));
    document.addEventListener('visibilitychange', () => this.#pace());
  }

  /** The view is shown. @param {string} user whose log to open; "": the one that is open stays */
  async enter(user) {
    byId('admin-view').hidden = false;
    if (!this.#sought) {
      this.#sought = true;
      await this.#ring.begin(await this.#here());
    }
    if (user && user !== this.#log?.user) this.open(user);
    else if (!this.#ring.key) await this.#askForKey('');
    else if (!this.#log) this.#head.focus(false);
    this.#pace();
  }

  /** The view is hidden, and reads no more. */
  leave() {
    byId('admin-view').hidden = true;
    this.#pace();
  }

  /** Opens a user's log. */
  open(user) {
    const wrong = wrongUser(user);
    this.#head.setUser(user, wrong);
    if (wrong) return;
    this.#onUser(user);
    this.#log?.end();
    this.#filters.reset();
    this.#log = new UserLog(this.#api, user, {});
    this.#logView.clear();
    this.#devicesView.clear();
    this.#runsView.render([], 0);
    this.#restart();
  }

  #restart() {
    this.#poller.stop();
    if (this.#ring.key) this.#pace();
    else this.#askForKey('');
  }

  /** Reads as long as somebody may be looking. */
  #pace() {
    const wanted = this.#log && this.#ring.key && !this.#gate.open && !document.hidden && !byId('admin-view').hidden;
    if (wanted) this.#poller.start();
    else this.#poller.stop();
  }

  async #update(signal) {
    const log = this.#log;
    const { loaded } = log; // what comes after that arrives before our eyes
    try {
      await log.update(this.#logView.busy);
      this.#retried = false;
      if (!signal.aborted && log === this.#log) this.#draw(loaded);
      return true;
    } catch (err) {
      if (!signal.aborted && log === this.#log && !log.ended) await this.#failed(err);
      return false;
    }
  }

  async #during(button, call) {
    const log = this.#log;
    button.setAttribute('aria-busy', 'true');
    try {
      await call(log);
      if (log === this.#log) this.#draw(true);
    } catch (err) {
      if (log === this.#log && !log.ended) await this.#failed(err);
    } finally {
      button.removeAttribute('aria-busy');
    }
  }

  async #failed(err) {
    const refused = err.status === 401 || err.status === 403;
    // A restarted server has another key for its demo.
    if (err.status === 401 && this.#ring.source === 'demo' && !this.#retried) {
      this.#retried = true;
      if (await this.#ring.fetchDemo()) return; // the next try is near
    }
    if (err.status === 401) this.#ring.end();
    if (refused) await this.#askForKey(err.message);
    else this.#head.say(`${err.message} Trying again.`, true);
  }

  /** @param {string} message why the last key did not do, or "" */
  async #askForKey(message) {
    this.#poller.stop();
    this.#replayView.close();
    byId('admin').hidden = true;
    this.#head.setKey(this.#ring.source, false);
    this.#head.say(message ? 'the key does not open this' : '');
    this.#gate.show({ message, here: await this.#here() });
  }

  #paste(text, keep) {
    const wrong = this.#ring.paste(text, keep);
    if (wrong) return wrong;
    this.#gate.hide();
    this.#retried = false;
    this.#head.setKey(this.#ring.source, false);
    this.#head.focus(this.#log);
    if (this.#log) this.#restart();
    return '';
  }

  async #useDemo() {
    if (!(await this.#ring.fetchDemo())) {
      await this.#askForKey('The server does not give its demo’s key to this page.');
      return;
    }
    this.#gate.hide();
    this.open('demo'); // it opens this one alone
  }

  #refilter() {
    if (!this.#log) return;
    this.#log.filter(this.#filters.query);
    this.#logView.clear();
    // What is under way still reads what was wanted before.
    this.#poller.stop();
    this.#pace();
  }

  #replay(texts) {
    if (this.#log) this.#replayView.open(this.#log.user, texts);
  }

  #actionsOf({ seq, type }) {
    const { epoch } = this.#log.timeline;
    const button = (label, onClick) => {
      const element = el('button', { type: 'button', class: 'button small' }, label);
      element.addEventListener('click', onClick);
      return element;
    };
    return [
      button('Replay this event…', () => this.#replay({ since: `${epoch}-${seq - 1}`, until: `${epoch}-${seq}` })),
      button('Replay from here…', () => this.#replay({ since: `${epoch}-${seq - 1}` })),
      button('Only this type', () => this.#filters.set({ types: type })),
    ];
  }

  /** @param {boolean} known the log was drawn before */
  #draw(known) {
    const { timeline, runs, devices, user } = this.#log;
    const now = Date.now() + this.#skew.ms;
    const kept = Math.max(0, timeline.head - timeline.oldest + 1);
    byId('admin').hidden = false;
    this.#head.setKey(this.#ring.source, true);
    this.#logView.render(this.#log, { filtered: this.#filters.filtered, arriving: known });
    if (runs) {
      this.#runsView.render(runs.progress.list(now), now);
      setText(byId('admin-runs-note'), runs.partial ? 'of the newest events' : '');
    }
    if (devices) this.#devicesView.render(devices, { now, kept });
    this.#filters.propose(
      timeline.items.flatMap(({ event }) => (event ? [event.type] : [])), devices?.devices.map(({ device }) => device) ?? []);
    this.#head.setFigures(this.#log, kept);
    if (!known) this.#announce(`Log of ${user}: ${this.#logView.words}`);
  }
}
