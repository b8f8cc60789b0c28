import { day, plural } from '../state/format.js';
import { arrange, el, setText } from './dom.js';
import { eventRow, lossRow } from './eventrow.js';

/** Draws a timeline, newest on top. Rows are kept as long as their item is in the list. */
export class LogView {
  #parts;
  #actions;
  #rows = new Map();

  /**
   * @param {{list: Element, empty: Element, note: Element, older: Element, end: Element, follow: Element}} parts
   * @param {(event: object) => Element[]} actions makes the buttons of an opened event
   */
  constructor(parts, actions) {
    this.#parts = parts;
    this.#actions = actions;
  }

  /** Whether somebody is reading an event, which must not move away. */
  get busy() {
    return this.#parts.list.querySelector('details[open]') !== null;
  }

  /** What is shown, in words. */
  get words() {
    const { note, empty } = this.#parts;
    return note.textContent || empty.textContent;
  }

  /**
   * @param {import('../state/userlog.js').UserLog} log
   * @param {{filtered: boolean, arriving: boolean}} how arriving: what is new comes as one watches
   */
  render({ timeline, following, pending }, { filtered, arriving }) {
    const rows = new Map();
    let lastDay = null;
    for (const item of timeline.items.toReversed()) {
      if (item.kind === 'event') {
        const date = day(item.event.ts);
        // A heading belongs to the event below it, so that it comes and goes with it.
        if (date !== lastDay) this.#keep(rows, `day ${item.seq}`, () => el('li', { class: 'day' }, date || 'without a time'));
        lastDay = date;
      }
      const key = item.kind === 'gap' ? `gap ${item.from} ${item.to} ${item.reason}` : `event ${item.seq}`;
      this.#keep(rows, key, () => this.#row(item, arriving));
    }
    this.#rows = rows;
    arrange(this.#parts.list, [...rows.values()]);
    this.#tell(timeline, filtered);
    const { follow } = this.#parts;
    follow.setAttribute('aria-pressed', String(following));
    setText(follow, pending ? `Show ${pending.toLocaleString('en')} new` : following ? 'Following' : 'Follow');
  }

  clear() {
    this.#rows = new Map();
    this.#parts.list.replaceChildren();
    this.#parts.empty.hidden = true;
    setText(this.#parts.note, '');
    setText(this.#parts.end, '');
    this.#parts.older.hidden = true;
  }

  #keep(rows, key, make) {
    rows.set(key, this.#rows.get(key) ?? make());
  }

  #row(item, arriving) {
    if (item.kind === 'gap') return lossRow(item);
    return eventRow({ event: item.event, origin: arriving ? 'live' : 'log' }, () => this.#actions(item.event));
  }

  #tell({ items, low, high, atBeginning, atHead }, filtered) {
    const { empty, note, older, end } = this.#parts;
    const events = items.filter(({ kind }) => kind === 'event').length;
    const words = filtered ? 'matching event' : 'event';
    setText(note, events ? `${plural(events, words)}${atHead ? '' : ', newer ones are not shown'}` : '');
    empty.hidden = items.length > 0;
    setText(empty, !atBeginning ? 'Nothing among the newest events. There are older ones.'
      : filtered ? 'Nothing in the log is like that.' : 'The log is empty.');
    older.hidden = atBeginning;
    setText(end, high < low ? '' : atBeginning ? 'The beginning of the log' : `Looked at seq ${low} to ${high}`);
  }
}
