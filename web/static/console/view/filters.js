import { isFiltered, parseFilters } from '../state/filters.js';
import { byId, el, setText } from './dom.js';

// How many types and devices are proposed.
const maxProposals = 100;

/** The form that says what of the log is shown. */
export class FiltersView {
  #fields = Object.fromEntries(['types', 'device', 'from', 'to'].map((name) => [name, byId(`filter-${name}`)]));
  #error = byId('filter-error');
  #clear = byId('filter-clear');
  #onChange;
  /** What is shown, as the API takes it. */
  query = {};

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    byId('filters').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#apply();
    });
    this.#clear.addEventListener('click', () => {
      // It is disabled by what it does; the form goes on at its beginning.
      this.reset();
      this.#fields.types.focus();
      this.#onChange();
    });
  }

  get filtered() {
    return isFiltered(this.query);
  }

  /** Sets some fields, as if they had been typed. */
  set(texts) {
    for (const [name, text] of Object.entries(texts)) this.#fields[name].value = text;
    this.#apply();
  }

  /** Empties the form, and tells nobody. */
  reset() {
    for (const field of Object.values(this.#fields)) field.value = '';
    this.query = {};
    this.#say(null);
  }

  /** @param {Iterable<string>} types  @param {Iterable<string>} devices that are proposed while typing */
  propose(types, devices) {
    for (const [id, values] of [['known-types', types], ['known-devices', devices]]) {
      const list = byId(id);
      const wanted = [...new Set(values)].slice(0, maxProposals);
      if (wanted.join('\n') === list.dataset.values) continue;
      list.dataset.values = wanted.join('\n');
      list.replaceChildren(...wanted.map((value) => el('option', { value })));
    }
  }

  #apply() {
    const texts = Object.fromEntries(Object.entries(this.#fields).map(([name, field]) => [name, field.value]));
    const { query, wrong } = parseFilters(texts);
    this.#say(wrong);
    if (wrong) return;
    this.query = query;
    this.#clear.disabled = !this.filtered;
    this.#onChange();
  }

  #say(wrong) {
    setText(this.#error, wrong?.words ?? '');
    for (const [name, field] of Object.entries(this.#fields)) field.setAttribute('aria-invalid', String(wrong?.field === name));
    this.#clear.disabled = !this.filtered && !wrong;
  }
}
