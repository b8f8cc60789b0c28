import { quote } from '../state/curl.js';
import { byId, setText, setWords } from './dom.js';

/** The panel where an API key is pasted. */
export class GateView {
  #panel = byId('gate');
  #field = byId('key');
  #error = byId('key-error');
  #keep = byId('key-keep');
  #demo = byId('key-demo');

  /**
   * @param {{onKey: (text: string, keep: boolean) => string, onDemo: () => void}} handlers onKey returns what is
   *   wrong with the text, or ""
   */
  constructor({ onKey, onDemo }) {
    byId('gate-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say(onKey(this.#field.value, this.#keep.checked));
    });
    this.#demo.addEventListener('click', onDemo);
  }

  get open() {
    return !this.#panel.hidden;
  }

  /** @param {{message?: string, here: import('../state/session.js').Here}} why message: why the last key did not do */
  show({ message = '', here }) {
    this.#panel.hidden = false;
    this.#demo.hidden = !(here.demo && here.local);
    // Where the server's own key lies is known beside it alone; if it is nowhere, nobody knows it.
    byId('gate-how').hidden = here.local && !here.keyFile;
    setWords(byId('gate-command'), `cat ${quote(here.keyFile ?? 'hubline-data/api-key')}`);
    setText(byId('gate-title'), message ? 'Another API key is needed' : 'An API key is needed');
    this.#say(message);
    this.#field.focus();
  }

  hide() {
    this.#panel.hidden = true;
    // The key is not left lying in a form field that the browser may restore.
    this.#field.value = '';
    this.#say('');
  }

  #say(message) {
    setText(this.#error, message);
    this.#field.setAttribute('aria-invalid', String(message !== ''));
  }
}
