import { fractionOf, humanize, progressOf, stageOf, stateOf } from './backupevent.js';

// A run that has said nothing for so long when another of its kind begins has come
// to no end of its own: whoever reported it is gone. Two may also run side by side.
const silentMs = 10_000;

// A run that has said nothing for so long is shown as stalled, until it goes on.
export const stalledMs = 60_000;

// How many stages of a run are kept, the latest, and how much of a text.
const maxStages = 12;
const maxText = 2000;

/**
 * @typedef {object} Run
 * @property {number} id
 * @property {string} operation
 * @property {string} fileName
 * @property {string} source where it comes from, or ""
 * @property {string} title of its stage, for people
 * @property {string} detail
 * @property {string} error
 * @property {'running'|'stalled'|'interrupted'|'ok'|'failed'} state
 * @property {number|null} fraction how far it is, 0 to 1; null: nobody says
 * @property {number} steps how many stages it has had
 * @property {{title: string, at: number, fraction: number|null}[]} stages the latest of them, with the time each
 *   began and how far the run was then
 * @property {number} began the time of its first report that is known; the server's milliseconds, as ts
 * @property {number} ts the time of its last
 * @property {number|null} etaSeconds how long it will take, as far as it says
 */

/** The runs of backup operations, newest first, as their progress events tell. Bounded. */
export class Progress {
  /** @type {Map<number, Run>} in the order in which they changed */
  #runs = new Map();
  /** The id of the newest run of a name. */
  #newest = new Map();
  #limit;
  #nextID = 1;

  constructor(limit = 5) {
    this.#limit = limit;
  }

  /** Takes any event and returns whether it was progress. */
  add({ event, origin }) {
    const data = origin === 'redelivery' ? null : progressOf(event);
    if (!data) return false;
    const key = JSON.stringify([data.operation, data.fileName, data.source ?? '']);
    const before = this.#runs.get(this.#newest.get(key));
    // After its end the same name is a new run.
    const goesOn = before && (before.state === 'running' || before.state === 'interrupted');
    const run = next(goesOn ? before : begin(this.#nextID++, key, data, event.ts), data, event.ts);
    if (!goesOn) this.#interruptSilent(run);
    this.#runs.delete(run.id);
    this.#runs.set(run.id, run);
    this.#newest.set(key, run.id);
    if (this.#runs.size > this.#limit) this.#forgetOldest();
    return true;
  }

  /**
   * The log has begun anew, so the reports of what was running may be lost, or their
   * sender with the server. One that goes on says so with its next event.
   */
  interrupt() {
    for (const run of this.#runs.values()) {
      if (run.state === 'running') run.state = 'interrupted';
    }
  }

  #interruptSilent({ id, operation, source, ts }) {
    for (const run of this.#runs.values()) {
      const same = run.id !== id && run.operation === operation && run.source === source;
      if (same && run.state === 'running' && ts - run.ts >= silentMs) run.state = 'interrupted';
    }
  }

  #forgetOldest() {
    const [[id, { key }]] = this.#runs;
    this.#runs.delete(id);
    if (this.#newest.get(key) === id) this.#newest.delete(key);
  }

  /**
   * Running ones first, then the latest to change.
   * @param {number} [now] the server's time; without, none is stalled
   * @returns {Run[]}
   */
  list(now = -Infinity) {
    const runs = [...this.#runs.values()].reverse().map((run) => (
      run.state === 'running' && now - run.ts >= stalledMs ? { ...run, state: 'stalled' } : run));
    return [...runs.filter((run) => run.state === 'running'), ...runs.filter((run) => run.state !== 'running')];
  }

  clear() {
    this.#runs.clear();
    this.#newest.clear();
  }
}

function begin(id, key, { operation, fileName, source }, ts) {
  return { id, key, operation, fileName, source: cut(source), began: ts, step: null, steps: 0, stages: [], fraction: null };
}

/** The run after one more report. */
function next(run, data, ts) {
  const state = stateOf(data);
  const title = cut(stageOf(data));
  const fraction = state === 'ok' ? 1 : (fractionOf(data) ?? run.fraction);
  const isNew = run.step !== data.step;
  // The end is no stage: it has no length.
  const stages = isNew && state === 'running' ? [...run.stages, { title, at: ts, fraction: fraction ?? null }].slice(-maxStages) : run.stages;
  return {
    ...run, step: data.step, steps: isNew ? run.steps + 1 : run.steps, stages, state, title, fraction, ts,
    detail: cut(humanize(data.stageDetail)),
    error: data.error ? cut(String(data.error)) : '',
    etaSeconds: Number.isFinite(data.etaSeconds) && data.etaSeconds >= 0 ? data.etaSeconds : null,
  };
}

const cut = (text) => (typeof text === 'string' ? text.slice(0, maxText) : '');
