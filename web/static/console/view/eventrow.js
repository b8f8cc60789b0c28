import { describeProgress } from '../state/backupevent.js';
import { clockTime, isoTime, summarize } from '../state/format.js';
import { explainGap, explainLoss } from '../state/gaps.js';
import { el } from './dom.js';

const originWords = { replay: 'replayed', redelivery: 'redelivered' };

// How much of an event's data is drawn: a browser lays out far more text than that
// slowly, and nobody reads it here.
const maxDataChars = 100_000;

/**
 * The row of an event, which opens to its data.
 * @param {{event: object, origin: string}} received
 * @param {() => Element[]} [actions] makes buttons for the opened row
 */
export function eventRow({ event, origin }, actions) {
  const badge = originWords[origin];
  const details = el('details', {},
    el('summary', {},
      el('span', { class: 'seq mono' }, String(event.seq)),
      el('span', { class: 'type' }, event.type,
        event.channel && el('span', { class: 'channel' }, event.channel)),
      badge && el('span', { class: 'badge' }, badge),
      el('time', { class: 'time mono', datetime: isoTime(event.ts) }, clockTime(event.ts)),
      el('span', { class: 'glance' }, describeProgress(event) ?? summarize(event.data))));
  // Filled when opened: most are never looked into.
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(inside(event, actions?.()));
  });
  return el('li', { class: 'event', 'data-origin': origin }, details);
}

function inside(event, buttons) {
  const fact = (name, value) => value && el('div', {}, el('dt', {}, name), el('dd', { class: 'mono' }, value));
  const text = JSON.stringify(event.data, null, 2) ?? 'no data';
  const more = text.length - maxDataChars;
  return el('div', { class: 'inside' },
    el('dl', {}, fact('Cursor', event.cursor), fact('Id', event.id), fact('Channel', event.channel), fact('Published', isoTime(event.ts))),
    el('pre', { tabindex: '0' }, more > 0 ? `${text.slice(0, maxDataChars)}…` : text),
    more > 0 && el('p', { class: 'hint' }, `${more.toLocaleString('en')} characters more are not shown.`),
    buttons && el('p', { class: 'inside-actions' }, ...buttons));
}

/** The row in the place of events that a log has no more. */
export function lossRow(gap) {
  const { title, range, why } = explainLoss(gap);
  return el('li', { class: 'gap-bar' },
    el('p', { class: 'gap-title' }, title),
    el('p', { class: 'gap-facts mono' }, `${range} · reason: ${gap.reason}`),
    el('p', {}, why));
}

/** The row in the place of events that a client has missed for good. */
export function gapRow(gap) {
  const { title, range, why, advice } = explainGap(gap);
  return el('li', { class: 'gap-bar' },
    el('p', { class: 'gap-title' }, title),
    el('p', { class: 'gap-facts mono' }, [range, `reason: ${gap.reason}`].filter(Boolean).join(' · ')),
    el('p', {}, `${why} `, el('strong', {}, advice)));
}
