import { clockTime, over, plural, span } from '../state/format.js';
import { explainGap } from '../state/gaps.js';
import { el, setText } from './dom.js';
import { eventRow, gapRow } from './eventrow.js';

/** Draws the stream, newest on top, and holds it still when asked. */
export class StreamView {
  #list;
  #empty;
  #freeze;
  #note;
  #gapNote;
  #stream;
  #lastKey = 0;
  #frozen = false;

  /** @param {{list: Element, empty: Element, freeze: Element, note: Element, gapNote: Element}} parts */
  constructor({ list, empty, freeze, note, gapNote }, stream) {
    this.#list = list;
    this.#empty = empty;
    this.#freeze = freeze;
    this.#note = note;
    this.#gapNote = gapNote;
    this.#stream = stream;
    freeze.addEventListener('click', () => {
      this.#frozen = !this.#frozen;
      freeze.setAttribute('aria-pressed', String(this.#frozen));
      this.render();
    });
  }

  /** Brings the page up to the model. Cheap if nothing is new. */
  render() {
    const fresh = this.#stream.after(this.#lastKey);
    if (this.#frozen) {
      setText(this.#freeze, fresh.length ? `Show ${fresh.length} new` : 'Frozen');
      return;
    }
    setText(this.#freeze, 'Freeze');
    if (fresh.length === 0) return;
    this.#lastKey = fresh.at(-1).key;
    this.#list.prepend(...fresh.reverse().map(row));
    while (this.#list.childElementCount > this.#stream.size) this.#list.lastElementChild.remove();
    this.#tell();
  }

  clear() {
    this.#list.replaceChildren();
    this.#tell();
  }

  #tell() {
    const { events, gaps, lastGap } = this.#stream;
    this.#empty.hidden = events > 0;
    const unseen = events > this.#list.querySelectorAll('.event').length;
    setText(this.#note, unseen ? `newest of ${plural(events, 'event')}` : '');
    // A burst pushes the bar itself out of the list; a gap must not pass unseen.
    const where = lastGap && (explainGap(lastGap).range || lastGap.reason);
    setText(this.#gapNote, gaps > 0 ? `${plural(gaps, 'gap')}, ${gaps > 1 ? 'the last ' : ''}${where}` : '');
  }
}

function row(entry) {
  if (entry.kind === 'event') return eventRow(entry);
  if (entry.kind === 'gap') return gapRow(entry.gap);
  return el('li', { class: 'mark', 'data-kind': entry.kind, 'data-whole': String(entry.recovered !== false) },
    el('p', { class: 'mark-text' }, ...markWords(entry)));
}

function markWords({ kind, cursor, transport, error, summary, awayMs, at }) {
  const way = transport ? ` ${over(transport)}` : '';
  const where = cursor ? [' at ', el('span', { class: 'mono' }, cursor)] : [];
  const time = el('time', { class: 'mono' }, clockTime(at).slice(0, 8));
  switch (kind) {
    case 'start':
      return [time, ' Listening', way, ...where];
    case 'cut':
      return [time, ' You cut the connection', ...where];
    case 'lost':
      return [time, ' Connection lost', ...where, error ? `: ${error}` : ''];
    case 'moved':
      return [time, ' Changing transport', ...where];
    default:
      return [time, ' ', ...caughtUpWords(summary, way, awayMs)];
  }
}

/** "Caught up: 12 events in 40 ms over WebSocket, recovered". */
function caughtUpWords({ count, tookMs, recovered, gap }, way, awayMs) {
  const away = awayMs > 0 ? ` after ${span(awayMs)} away` : '';
  if (count === 0 && recovered) return ['Caught up', way, away, ': nothing was missed'];
  return ['Caught up: ', el('strong', {}, `${plural(count, 'event')} in ${span(tookMs)}`), way, away,
    recovered ? ', recovered' : `. Not everything: ${gapWords(gap)}`];
}

// Said here again: a long replay pushes the bar itself out of the list.
function gapWords(gap) {
  const range = gap ? explainGap(gap).range : '';
  return gap ? `${range || 'a gap'} (${gap.reason})` : 'see the gap';
}
