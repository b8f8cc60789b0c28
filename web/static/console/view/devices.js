import { describeDevice } from '../state/devices.js';
import { clockTime, day, plural } from '../state/format.js';
import { arrange, el, setText } from './dom.js';

// How many devices are drawn; a user with more has something else amiss.
const maxRows = 200;

/** Draws a user's devices with how far they are. */
export class DevicesView {
  #parts;
  #handlers;
  #rows = new Map();

  /**
   * @param {{list: Element, empty: Element, note: Element}} parts
   * @param {{onReplay: (device: string) => void, onEvents: (device: string) => void}} handlers
   */
  constructor(parts, handlers) {
    this.#parts = parts;
    this.#handlers = handlers;
  }

  /**
   * @param {{epoch: string, devices: object[]}} answer of GET …/devices
   * @param {{now: number, kept: number}} log now in the server's time; kept: how many events the log has
   */
  render({ epoch, devices }, { now, kept }) {
    const { list, empty, note } = this.#parts;
    empty.hidden = devices.length > 0;
    this.#rows = new Map(devices.slice(0, maxRows).map((device) => {
      const row = this.#rows.get(device.device) ?? new Row(device.device, this.#handlers);
      row.update(describeDevice(device, { epoch, now }), device.lag === null ? 0 : Math.min(1, device.lag / Math.max(1, kept)));
      return [device.device, row];
    }));
    arrange(list, [...this.#rows.values()].map(({ node }) => node));
    const more = devices.length - maxRows;
    setText(note, more > 0 ? `and ${plural(more, 'device')} more` : '');
  }

  clear() {
    this.#rows = new Map();
    this.#parts.list.replaceChildren();
    setText(this.#parts.note, '');
  }
}

class Row {
  #parts;

  constructor(name, { onReplay, onEvents }) {
    const button = (label, onClick) => {
      const element = el('button', { type: 'button', class: 'button small', 'aria-label': `${label}: ${name}` }, label);
      element.addEventListener('click', () => onClick(name));
      return element;
    };
    this.#parts = {
      lag: el('span', { class: 'device-lag' }),
      bar: el('span', { class: 'lag-fill' }),
      connections: el('span'),
      cursor: el('span'),
      seen: el('time'),
    };
    const { lag, bar, connections, cursor, seen } = this.#parts;
    this.node = el('li', { class: 'device' },
      el('p', { class: 'device-head' }, el('span', { class: 'dot', 'aria-hidden': 'true' }),
        el('span', { class: 'device-name', title: name }, name), lag),
      el('span', { class: 'lag-bar', 'aria-hidden': 'true' }, bar),
      el('p', { class: 'device-facts' }, connections, cursor, el('span', {}, 'seen ', seen)),
      el('p', { class: 'device-actions' }, button('Its events', onEvents), button('Replay…', onReplay)));
  }

  update(device, share) {
    const { lag, bar, connections, cursor, seen } = this.#parts;
    this.node.dataset.state = device.state;
    this.node.dataset.behind = device.behind;
    setText(lag, device.lag);
    bar.style.setProperty('--fraction', String(share));
    setText(connections, device.connections);
    setText(cursor, device.cursor);
    cursor.classList.toggle('mono', device.cursorKnown);
    setText(seen, device.lastSeen);
    seen.title = device.lastSeenAt === null ? '' : `${day(device.lastSeenAt)}, ${clockTime(device.lastSeenAt)}`;
  }
}
