import { counter, over, plural, rate, span, transportNames } from '../state/format.js';
import { byId, setText } from './dom.js';

const cursorPattern = /^(\d{1,20}|latest|.{1,64}-\d{1,20})$/;

/** The card on top: how the connection stands, its figures, and the switch. */
export class LineView {
  #state = byId('state');
  #detail = byId('state-detail');
  #lamp = byId('lamp');
  #action = byId('main-action');
  #stop = byId('stop');
  #sinceField = byId('since-field');
  #since = byId('since');
  #sinceError = byId('since-error');
  #radios = [...document.querySelectorAll('input[name="transport"]')];
  #current = null;

  /**
   * @param {{onCut: () => void, onResume: (since: string|undefined) => void, onTransport: (name: string) => void}}
   *   handlers onResume gets a cursor only if the user changed it
   */
  constructor({ onCut, onResume, onTransport }) {
    byId('actions').addEventListener('submit', (event) => {
      event.preventDefault();
      if (!isAway(this.#current?.state)) onCut();
      else if (this.#current.state === 'waiting') onResume(undefined);
      else this.#resume(onResume);
    });
    this.#stop.addEventListener('click', () => {
      // It hides itself; the way back is the next thing to press.
      onCut();
      this.#action.focus();
    });
    for (const radio of this.#radios) {
      radio.addEventListener('change', () => {
        this.#nameAction();
        onTransport(radio.value);
      });
    }
  }

  /** The transport picked by the radio buttons. */
  get transport() {
    return this.#radios.find((radio) => radio.checked).value;
  }

  #resume(onResume) {
    const since = this.#since.value.trim();
    const changed = since !== (this.#since.dataset.cursor ?? '');
    const wrong = changed && !cursorPattern.test(since);
    setText(this.#sinceError, wrong ? 'A cursor is <epoch>-<seq>, a seq, 0 or latest.' : '');
    this.#since.setAttribute('aria-invalid', String(wrong));
    if (!wrong) onResume(changed ? since : undefined);
  }

  /** @param {{state: string, transport: string|null, retryAt: number|null, error: Error|null}} status */
  setStatus(status, cursor) {
    this.#current = status;
    const { state } = status;
    this.#lamp.dataset.state = state;
    setText(this.#state, titles[state]);
    if (!byId('live-view').hidden) document.title = `${titles[state]} – Hubline console`;

    const editable = state === 'offline' || state === 'stopped';
    this.#sinceField.hidden = !editable;
    if (editable) {
      this.#since.value = this.#since.dataset.cursor = cursor ?? '';
      this.#since.setAttribute('aria-invalid', 'false');
      setText(this.#sinceError, '');
    }
    setText(byId('transports-legend'), editable ? 'Resume on' : 'Transport');
    this.#nameAction();
  }

  #nameAction() {
    const state = this.#current?.state;
    const away = isAway(state);
    this.#action.classList.toggle('primary', away);
    this.#action.classList.toggle('danger', !away);
    const name = transportNames[this.transport];
    this.#stop.hidden = state !== 'waiting';
    const resume = this.transport === 'auto' ? 'Resume' : `Resume on ${name}`;
    setText(this.#action, state === 'waiting' ? 'Try now' : away ? resume : 'Cut the connection');
  }

  /** Called several times a second for what counts on by itself. */
  tick({ now, since, cursor, perSecond, events, lastResume }) {
    const { state, transport, retryAt, error } = this.#current;
    const words = {
      connected: () => `${over(transport)} for ${counter(now - since)}`,
      connecting: () => (transport ? `trying ${transportNames[transport]}` : 'asking for a ticket'),
      waiting: () => `${error?.message ?? 'the connection broke'}. Next try in ${span(Math.max(0, retryAt - now))}`,
      offline: () => `for ${counter(now - since)}. What is published meanwhile waits in the log`,
      stopped: () => error?.message ?? '',
      idle: () => '',
    };
    setText(this.#detail, words[state]());
    setText(byId('figure-cursor'), cursor ?? '–');
    setText(byId('figure-rate'), rate(perSecond));
    setText(byId('figure-events'), events.toLocaleString('en'));
    setText(byId('figure-resume'), lastResume ? resumeWords(lastResume) : '–');
    byId('figure-resume').dataset.whole = String(lastResume?.recovered ?? '');
  }
}

const titles = {
  idle: 'Not connected',
  connecting: 'Connecting',
  connected: 'Connected',
  waiting: 'Reconnecting',
  offline: 'Offline',
  stopped: 'Stopped',
};

function isAway(state) {
  return state === 'offline' || state === 'stopped' || state === 'waiting';
}

function resumeWords({ count, tookMs, recovered }) {
  if (count === 0) return recovered ? 'nothing missed' : 'a gap';
  return `${plural(count, 'event')}, ${recovered ? span(tookMs) : 'with a gap'}`;
}
