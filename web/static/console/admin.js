/** Wires the administrator's view: key → API → a user's log → views. */
import { AdminAPI, wrongUser } from './state/adminapi.js';
import { clockTime } from './state/format.js';
import { KeyRing } from './state/keyring.js';
import { Poller } from './state/poller.js';
import { Skew } from './state/skew.js';
import { UserLog } from './state/userlog.js';
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

  #gate = new GateView({ onKey: (text, keep) => this.#paste(text, keep), onDemo: () => this.#useDemo() });
  #filters = new FiltersView(() => this.#refilter());
  #logView = new LogView(
    { list: byId('log'), empty: byId('log-empty'), note: byId('log-note'), older: byId('log-older'), end: byId('log-end') },
    (event) => this.#actionsOf(event),
  );
  #runsView = new ProgressView({ list: byId('admin-runs'), empty: byId('admin-runs-empty') });
  #devicesView = new DevicesView(
    { list: byId('devices'), empty: byId('devices-empty'), note: byId('devices-note') },
    { onReplay: (device) => this.#replay({ device }), onEvents: (device) => this.#filters.set({ device }) },
  );
  #replayView = new ReplayView((user, body) => this.#api.replay(user, body), (words) => this.#sent(words));

  /**
   * @param {object} deps
   * @param {string} deps.base URL of the page with a slash at the end
   * @param {() => Promise<import('./state/session.js').Here>} deps.here what the server says of itself
   * @param {(text: string, where?: string) => void} deps.announce tells people who do not look
   * @param {(user: string) => void} deps.onUser is told whose log is opened
   */
  constructor({ base, fetch, storage, here, announce, onUser }) {
    this.#here = here;
    this.#announce = announce;
    this.#onUser = onUser;
    this.#ring = new KeyRing({ base, fetch, storage });
    this.#api = new AdminAPI({ base, fetch, key: () => this.#ring.key, onDate: (at, now) => this.#skew.see(at, now) });
    byId('user-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.open(byId('admin-user').value.trim());
    });
    byId('key-change').addEventListener('click', () => {
      this.#ring.end();
      this.#askForKey('');
    });
    byId('replay-open').addEventListener('click', () => this.#replay({ types: (this.#filters.query.types ?? []).join(', '), device: this.#filters.query.device }));
    byId('log-follow').addEventListener('click', () => this.#follow());
    byId('log-older').addEventListener('click', () => this.#older());
    document.addEventListener('visibilitychange', () => this.#pace());
  }

  /** The view is shown. @param {string} user whose log to open, if none is */
  async enter(user) {
    byId('admin-view').hidden = false;
    if (!this.#sought) {
      this.#sought = true;
      await this.#ring.begin(await this.#here().catch(() => ({ demo: false, local: false })));
    }
    if (user && user !== this.#log?.user) this.open(user);
    else if (!this.#ring.key) await this.#askForKey('');
    else if (!this.#log) byId('admin-user').focus();
    this.#pace();
  }

  leave() {
    byId('admin-view').hidden = true;
    this.#pace();
  }

  /** Opens a user's log. */
  open(user) {
    byId('admin-user').value = user;
    const wrong = wrongUser(user);
    setText(byId('user-error'), wrong);
    byId('admin-user').setAttribute('aria-invalid', String(wrong !== ''));
    if (wrong) return;
    this.#onUser(user);
    this.#log?.end();
    this.#filters.reset();
    this.#log = new UserLog(this.#api, user, {});
    this.#logView.clear();
    this.#devicesView.clear();
    this.#runsView.render([], 0);
    setText(byId('admin-title'), user);
    for (const id of ['figure-head', 'figure-kept', 'figure-online']) setText(byId(id), '–');
    this.#detail('reading');
    this.#restart();
  }

  #restart() {
    this.#poller.stop();
    this.#showKey();
    if (!this.#ring.key) this.#askForKey('');
    else this.#pace();
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

  async #failed(err) {
    // A restarted server has another key for its demo.
    if (err.status === 401 && this.#ring.source === 'demo' && !this.#retried) {
      this.#retried = true;
      if (await this.#ring.fetchDemo()) return this.#poller.start();
    }
    if (err.status === 401 || err.status === 403) {
      if (err.status === 401) this.#ring.end();
      return this.#askForKey(err.message);
    }
    this.#detail(`${err.message} Trying again.`, true);
    return undefined;
  }

  async #askForKey(message) {
    this.#poller.stop();
    this.#replayView.close();
    byId('admin').hidden = true;
    byId('replay-open').hidden = true;
    this.#showKey();
    this.#detail(message ? 'the key does not open this' : '');
    this.#gate.show({ message, here: await this.#here().catch(() => ({ demo: false, local: false })) });
  }

  #paste(text, keep) {
    const wrong = this.#ring.paste(text, keep);
    if (!wrong) this.#haveKey();
    return wrong;
  }

  async #useDemo() {
    if (!(await this.#ring.fetchDemo())) return this.#askForKey('The server does not give its demo’s key to this page.');
    // It opens this one alone.
    this.#gate.hide();
    return this.open('demo');
  }

  #haveKey() {
    this.#gate.hide();
    this.#retried = false;
    this.#showKey();
    byId(this.#log ? 'admin-title' : 'admin-user').focus();
    if (this.#log) this.#restart();
  }

  #showKey() {
    const words = { demo: 'with the demo’s key', pasted: 'with the key you pasted' };
    setText(byId('key-note'), words[this.#ring.source] ?? '');
    byId('key-change').hidden = this.#ring.key === null;
  }

  #refilter() {
    if (!this.#log) return;
    this.#log.filter(this.#filters.query);
    this.#logView.clear();
    // What is under way still reads what was wanted before.
    this.#poller.stop();
    this.#pace();
  }

  async #follow() {
    await this.#during('log-follow', (log) => log.follow());
  }

  async #older() {
    await this.#during('log-older', (log) => log.older());
  }

  async #during(id, call) {
    const log = this.#log;
    byId(id).setAttribute('aria-busy', 'true');
    try {
      await call(log);
      if (log === this.#log) this.#draw(false);
    } catch (err) {
      if (log === this.#log && !log.ended) await this.#failed(err);
    } finally {
      byId(id).removeAttribute('aria-busy');
    }
  }

  #replay(texts) {
    if (this.#log) this.#replayView.open(this.#log.user, texts);
  }

  #sent(words) {
    this.#announce(words);
    this.#poller.start();
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

  #draw(arriving) {
    const { timeline, runs, devices, user, restarts } = this.#log;
    const now = Date.now() + this.#skew.ms;
    byId('admin').hidden = false;
    byId('replay-open').hidden = false;
    this.#logView.render(timeline, { filtered: this.#filters.filtered, arriving });
    const kept = Math.max(0, timeline.head - timeline.oldest + 1);
    if (runs) {
      this.#runsView.render(runs.progress.list(now), now);
      setText(byId('admin-runs-note'), runs.partial ? 'of the newest events' : '');
    }
    if (devices) {
      this.#devicesView.render(devices, { now, kept });
      const online = devices.devices.filter((device) => device.online).length;
      setText(byId('figure-online'), `${online} of ${devices.devices.length}`);
    }
    this.#filters.propose(
      timeline.items.flatMap(({ event }) => (event ? [event.type] : [])), devices?.devices.map(({ device }) => device) ?? []);
    setText(byId('figure-head'), timeline.epoch === null ? '–' : `${timeline.epoch}-${timeline.head}`);
    setText(byId('figure-kept'), kept.toLocaleString('en'));
    this.#drawFollow();
    const anew = restarts ? 'the log has begun anew; ' : '';
    this.#detail(`${anew}as of ${clockTime(Date.now()).slice(0, 8)}`);
    if (!arriving) this.#announce(`Log of ${user}: ${byId('log-note').textContent || byId('log-empty').textContent}`);
    document.title = `${user} – Hubline console`;
  }

  #drawFollow() {
    const { following, pending } = this.#log;
    const button = byId('log-follow');
    button.setAttribute('aria-pressed', String(following));
    const words = pending ? `Show ${pending.toLocaleString('en')} new` : following ? 'Following' : 'Follow';
    setText(button, words);
  }

  #detail(text, wrong = false) {
    setText(byId('admin-detail'), text);
    byId('admin-detail').classList.toggle('wrong', wrong);
  }
}
