import { byId } from './dom.js';

/** The panel where a token is pasted. */
export class SignInView {
  #panel = byId('sign-in');
  #field = byId('token');
  #error = byId('token-error');
  #demo = byId('use-demo');

  /**
   * @param {{onToken: (text: string) => string, onDemo: () => void}} handlers onToken returns what is
   *   wrong with the text, or ""
   */
  constructor({ onToken, onDemo }) {
    byId('sign-in-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say(onToken(this.#field.value));
    });
    this.#demo.addEventListener('click', onDemo);
  }

  /** @param {{message?: string, demoOffered?: boolean}} why */
  show({ message = '', demoOffered = false } = {}) {
    this.#panel.hidden = false;
    this.#demo.hidden = !demoOffered;
    byId('demo-hint').hidden = demoOffered;
    this.#say(message);
    this.#field.focus();
  }

  hide() {
    this.#panel.hidden = true;
    // The token is not left lying in a form field that the browser may restore.
    this.#field.value = '';
  }

  #say(message) {
    this.#error.textContent = message;
    this.#field.setAttribute('aria-invalid', String(message !== ''));
  }
}
