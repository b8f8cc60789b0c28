import { clockTime } from '../state/format.js';
import { byId, setText } from './dom.js';

const keyWords = { demo: 'with the demo’s key', pasted: 'with the key you pasted' };

/** The card on top of the administrator's view: whose log, how it stands, and with which key. */
export class AdminHead {
  #user = byId('admin-user');
  #detail = byId('admin-detail');

  /**
   * @param {{onUser: (user: string) => void, onChangeKey: () => void, onReplay: () => void}} handlers
   */
  constructor({ onUser, onChangeKey, onReplay }) {
    byId('user-form').addEventListener('submit', (event) => {
      event.preventDefault();
      onUser(this.#user.value.trim());
    });
    byId('key-change').addEventListener('click', onChangeKey);
    byId('replay-open').addEventListener('click', onReplay);
  }

  /** Puts the user into the form, with what is wrong with the name, or "". */
  setUser(user, wrong) {
    this.#user.value = user;
    setText(byId('user-error'), wrong);
    this.#user.setAttribute('aria-invalid', String(wrong !== ''));
    if (wrong) return;
    setText(byId('admin-title'), user);
    document.title = `${user} – Hubline console`;
    for (const id of ['figure-head', 'figure-kept', 'figure-online']) setText(byId(id), '–');
    this.say('reading');
  }

  /** @param {'demo'|'pasted'|null} source of the key  @param {boolean} opened whether it opens the log */
  setKey(source, opened) {
    setText(byId('key-note'), keyWords[source] ?? '');
    for (const id of ['key-change', 'replay-open']) byId(id).hidden = !opened;
  }

  /** @param {import('../state/userlog.js').UserLog} log  @param {number} kept how many events it has */
  setFigures({ timeline, devices, restarts }, kept) {
    setText(byId('figure-head'), timeline.epoch === null ? '–' : `${timeline.epoch}-${timeline.head}`);
    setText(byId('figure-kept'), kept.toLocaleString('en'));
    if (devices) {
      const online = devices.devices.filter((device) => device.online).length;
      setText(byId('figure-online'), `${online} of ${devices.devices.length}`);
    }
    this.say(`${restarts ? 'the log has begun anew; ' : ''}as of ${clockTime(Date.now()).slice(0, 8)}`);
  }

  say(text, wrong = false) {
    setText(this.#detail, text);
    this.#detail.classList.toggle('wrong', wrong);
  }

  /** Puts the focus where one goes on: at the log that is open, or at the name of a user. */
  focus(opened) {
    byId(opened ? 'admin-title' : 'admin-user').focus();
  }
}
