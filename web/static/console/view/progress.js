import { operationName } from '../state/backupevent.js';
import { clockTime, day, isoTime, plural, span } from '../state/format.js';
import { arrange, el, setText } from './dom.js';

const ends = { ok: 'Done', interrupted: 'Interrupted', stalled: 'Stalled' };

/** Draws the backup runs. Rows are kept and changed, so that bars can move. */
export class ProgressView {
  #list;
  #empty;
  #rows = new Map();

  constructor({ list, empty }) {
    this.#list = list;
    this.#empty = empty;
  }

  /** @param {import('../state/progress.js').Run[]} runs  @param {number} now the server's time */
  render(runs, now) {
    this.#empty.hidden = runs.length > 0;
    this.#rows = new Map(runs.map((run) => {
      const row = this.#rows.get(run.id) ?? new Row(run);
      row.update(run, now);
      return [run.id, row];
    }));
    arrange(this.#list, [...this.#rows.values()].map(({ node }) => node));
  }
}

class Row {
  #parts;
  #label;
  #drawn = null;

  constructor({ fileName, operation, source }) {
    this.#label = [operationName(operation), source && `from ${source}`].filter(Boolean).join(' ');
    this.#parts = {
      state: el('span', { class: 'run-state' }),
      fill: el('span', { class: 'bar-fill' }),
      stage: el('p', { class: 'run-stage' }),
      error: el('p', { class: 'run-error', hidden: true }),
      stages: el('ol', { class: 'stages', 'aria-label': 'Stages' }),
      times: el('p', { class: 'run-times' }),
    };
    this.#parts.bar = el('div', { class: 'bar', role: 'progressbar', 'aria-label': `${this.#label} ${fileName}`,
      'aria-valuemin': '0', 'aria-valuemax': '100' }, this.#parts.fill);
    const { state, bar, stage, error, stages, times } = this.#parts;
    this.node = el('li', { class: 'run' },
      el('p', { class: 'run-head' }, el('span', { class: 'run-name', title: fileName }, fileName), state),
      bar, stage, error, stages, times);
  }

  update(run, now) {
    if (run === this.#drawn) return; // a run is another object when anything in it is
    this.#drawn = run;
    const { state, fraction, error } = run;
    const { bar, fill, ...texts } = this.#parts;
    const percent = fraction === null ? null : Math.round(fraction * 100);
    this.node.dataset.state = state;
    bar.dataset.known = String(percent !== null);
    if (percent === null) bar.removeAttribute('aria-valuenow');
    else bar.setAttribute('aria-valuenow', String(percent));
    fill.style.setProperty('--fraction', String(fraction ?? 0));
    setText(texts.state, stateWords(run, percent));
    setText(texts.stage, `${this.#label}: ${stageWords(run, now)}`);
    setText(texts.error, error);
    texts.error.hidden = !error;
    this.#drawStages(run);
    setText(texts.times, timeWords(run, now));
  }

  #drawStages(run) {
    const { bar, stages } = this.#parts;
    const items = run.stages.map(({ title, at }, i) => {
      const next = run.stages[i + 1];
      const isNow = !next && run.state !== 'ok';
      return el('li', { 'data-now': isNow, 'aria-current': isNow ? 'step' : undefined, title },
        el('span', { class: 'stage-title' }, title), ' ', el('span', { class: 'stage-time' }, span((next?.at ?? run.ts) - at)));
    });
    stages.replaceChildren(...items);
    // A single one says no more than the line above, unless the run has ended in it.
    stages.hidden = items.length < (run.state === 'failed' ? 1 : 2);
    const ticks = run.stages.slice(1).filter(({ fraction }) => fraction > 0 && fraction < 1).map(({ fraction }) => {
      const tick = el('span', { class: 'bar-tick' });
      tick.style.setProperty('--at', String(fraction));
      return tick;
    });
    bar.replaceChildren(this.#parts.fill, ...ticks);
  }
}

function stateWords({ state, steps }, percent) {
  if (state === 'failed') return percent === null || percent === 100 ? 'Failed' : `Failed at ${percent} %`;
  return ends[state] ?? (percent === null ? plural(steps, 'step') : `${percent} %`);
}

function stageWords({ state, title, detail, ts }, now) {
  const last = [title, detail].filter(Boolean).join(' – ');
  if (state === 'interrupted') return `no more reports after ${last}`;
  if (state === 'stalled') return `no report for ${span(now - ts)}; the last was ${last}`;
  return last;
}

/** "Sat 28 Nov 2026, 14:03:22, took 18 s", of today without the day. */
function timeWords({ state, began, ts, etaSeconds }, now) {
  if (!isoTime(began)) return '';
  const took = span(Math.max(0, ts - began));
  const left = state === 'running' && etaSeconds !== null ? `, about ${span(etaSeconds * 1000)} left` : '';
  const length = { running: `for ${took}${left}`, ok: `took ${took}`, failed: `failed after ${took}` }[state] ?? `last heard after ${took}`;
  return [day(began) === day(now) ? '' : day(began), clockTime(began).slice(0, 8), length].filter(Boolean).join(', ');
}
