import { parseTypes } from '../state/filters.js';
import { plural } from '../state/format.js';
import { ReplayPlan, parseReplay } from '../state/replayplan.js';
import { byId, setText } from './dom.js';
import { replayLists, replayWords } from './preview.js';

/**
 * The dialog of a replay. It first shows what would be sent; only then can it be sent,
 * and any change of the form takes that back.
 */
export class ReplayView {
  #dialog = byId('replay');
  #fields = Object.fromEntries(['since', 'until', 'types', 'device'].map((name) => [name, byId(`replay-${name}`)]));
  #error = byId('replay-error');
  #show = byId('replay-show');
  #send = byId('replay-send');
  #preview = byId('replay-preview');
  #call;
  #onSent;
  #plan = null;
  #user = '';
  #busy = false;

  /**
   * @param {(user: string, body: object) => Promise<object>} call POST …/replays
   * @param {(words: string) => void} onSent is told what was sent
   */
  constructor(call, onSent) {
    this.#call = call;
    this.#onSent = onSent;
    const form = byId('replay-form');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#ask();
    });
    form.addEventListener('input', () => this.#forget());
    this.#send.addEventListener('click', () => this.#confirm());
    byId('replay-close').addEventListener('click', () => this.#dialog.close());
  }

  /** @param {string} user  @param {{since?: string, until?: string, types?: string, device?: string}} [texts] for the form */
  open(user, texts = {}) {
    this.#user = user;
    this.#plan = new ReplayPlan((body) => this.#call(user, body));
    setText(byId('replay-title'), `Replay to ${user}`);
    for (const [name, field] of Object.entries(this.#fields)) field.value = texts[name] ?? '';
    this.#forget();
    this.#dialog.showModal();
    this.#show.focus();
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  async #ask() {
    if (this.#busy) return;
    const { since, until, types, device } = this.#fields;
    const { body, wrong } = parseReplay({
      since: since.value, until: until.value, types: parseTypes(types.value), device: device.value,
    });
    this.#forget();
    this.#say(wrong);
    if (wrong) {
      this.#fields[wrong.field].focus();
      return;
    }
    const answer = await this.#during(this.#show, 'Asking…', () => this.#plan.preview(body));
    if (!answer) return;
    this.#draw(answer, answer.sent ? 'What would be sent' : 'Nothing would be sent');
    this.#send.disabled = !this.#plan.sendable;
    if (this.#plan.sendable) {
      setText(this.#send, `Send ${answer.sent.toLocaleString('en')} to ${plural(answer.connections.length, 'connection')}`);
    }
    this.#preview.focus();
  }

  async #confirm() {
    if (this.#busy || !this.#plan.sendable) return;
    const answer = await this.#during(this.#send, 'Sending…', () => this.#plan.send());
    this.#send.disabled = true;
    setText(this.#send, 'Send');
    if (!answer) return;
    this.#draw(answer, 'Sent');
    this.#preview.focus();
    this.#onSent(replayWords(answer));
  }

  /** Makes a call, in which no other may be made. Null if it failed, or the form has changed meanwhile. */
  async #during(button, words, call) {
    const [label, plan] = [button.textContent, this.#plan];
    this.#busy = true;
    setText(button, words);
    try {
      const answer = await call();
      return plan === this.#plan ? answer : null;
    } catch (err) {
      if (plan === this.#plan) this.#say({ words: err.message });
      return null;
    } finally {
      this.#busy = false;
      setText(button, label);
    }
  }

  /** The form is not what was shown, or nothing was. */
  #forget() {
    this.#plan.drop();
    this.#send.disabled = true;
    setText(this.#send, 'Send');
    this.#say(null);
    setText(byId('preview-title'), 'Nothing has been sent');
    setText(byId('preview-words'), 'First look at what would be.');
    byId('preview-lists').replaceChildren();
    this.#preview.dataset.state = 'none';
  }

  #draw(answer, title) {
    this.#preview.dataset.state = answer.dryRun ? 'shown' : 'sent';
    setText(byId('preview-title'), title);
    setText(byId('preview-words'), replayWords(answer));
    byId('preview-lists').replaceChildren(...replayLists(answer));
  }

  #say(wrong) {
    setText(this.#error, wrong?.words ?? '');
    for (const [name, field] of Object.entries(this.#fields)) field.setAttribute('aria-invalid', String(wrong?.field === name));
  }
}
