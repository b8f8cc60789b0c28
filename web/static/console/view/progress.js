import { plural } from '../state/format.js';
import { operationName } from '../state/progress.js';
import { el, setText } from './dom.js';

const ends = { ok: 'Done', failed: 'Failed', interrupted: 'Interrupted' };

/** Draws the backup runs. Rows are kept and changed, so that bars can move. */
export class ProgressView {
  #list;
  #empty;
  #rows = new Map();

  constructor({ list, empty }) {
    this.#list = list;
    this.#empty = empty;
  }

  /** @param {ReturnType<import('../state/progress.js').Progress['list']>} runs */
  render(runs) {
    this.#empty.hidden = runs.length > 0;
    const rows = runs.map((run) => {
      const row = this.#rows.get(run.key) ?? new Row(run);
      row.update(run);
      return [run.key, row];
    });
    this.#rows = new Map(rows);
    const nodes = rows.map(([, row]) => row.node);
    const same = nodes.length === this.#list.childElementCount && nodes.every((node, i) => node === this.#list.children[i]);
    if (!same) this.#list.replaceChildren(...nodes);
  }
}

class Row {
  #parts;

  constructor({ fileName, operation, source }) {
    const label = operationName(operation);
    this.#parts = {
      state: el('span', { class: 'run-state' }),
      bar: el('div', { class: 'bar', role: 'progressbar', 'aria-label': `${label} ${fileName}`,
        'aria-valuemin': '0', 'aria-valuemax': '100' }, el('span', { class: 'bar-fill' })),
      stage: el('p', { class: 'run-stage' }),
    };
    this.node = el('li', { class: 'run' },
      el('p', { class: 'run-head' },
        el('span', { class: 'run-name', title: fileName }, fileName),
        this.#parts.state),
      this.#parts.bar,
      this.#parts.stage);
    this.label = [label, source && `from ${source}`].filter(Boolean).join(' ');
  }

  update({ state, fraction, steps, title, detail, error }) {
    const { bar, stage, state: stateText } = this.#parts;
    const percent = fraction === null ? null : Math.round(fraction * 100);
    this.node.dataset.state = state;
    bar.dataset.known = String(percent !== null);
    if (percent === null) bar.removeAttribute('aria-valuenow');
    else bar.setAttribute('aria-valuenow', String(percent));
    bar.firstElementChild.style.setProperty('--fraction', String(fraction ?? 0));
    setText(stateText, ends[state] ?? (percent === null ? plural(steps, 'step') : `${percent} %`));
    const last = [title, detail].filter(Boolean).join(' – ');
    const words = state === 'failed' ? error || title : state === 'interrupted' ? `no more reports after ${last}` : last;
    setText(stage, `${this.label}: ${words}`);
  }
}
