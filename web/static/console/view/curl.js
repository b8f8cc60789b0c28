import { byId, copyFrom, el, setText, setWords } from './dom.js';

/** Draws the commands, and changes their text in place as the cursor moves. */
export class CurlView {
  #list = byId('commands');
  #codes = [];

  /** @param {{title: string, note: string, command: string}[]} commands always the same number */
  render(commands) {
    if (this.#codes.length !== commands.length) this.#build(commands);
    // A command being selected stays as it is under the pointer.
    const selection = getSelection();
    const busy = !selection.isCollapsed && this.#list.contains(selection.anchorNode);
    if (busy) return;
    commands.forEach(({ note, command }, i) => {
      setWords(this.#codes[i].code, command);
      setText(this.#codes[i].note, note);
    });
  }

  #build(commands) {
    this.#codes = [];
    this.#list.replaceChildren(...commands.map(({ title }) => {
      const code = el('code');
      const note = el('span', { class: 'hint' });
      const button = el('button', { type: 'button', class: 'button copy', 'aria-label': `Copy: ${title}` }, 'Copy');
      button.addEventListener('click', () => copyFrom(button, code.textContent));
      this.#codes.push({ code, note });
      return el('li', {},
        el('div', { class: 'command-head' }, el('p', {}, el('strong', {}, title), ' ', note), button),
        el('pre', { class: 'command', tabindex: '0' }, code));
    }));
  }
}
