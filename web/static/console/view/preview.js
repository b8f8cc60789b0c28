import { clockTime, day, isoTime, plural } from '../state/format.js';
import { explainGap } from '../state/gaps.js';
import { el } from './dom.js';

// How many connections and events are listed; the figures count all.
const maxConnections = 100;
const maxEvents = 100;

const transports = { ws: 'WebSocket', sse: 'Server-Sent Events', poll: 'long poll' };

/**
 * What a replay would send or has sent, in one sentence.
 * @param {object} answer of POST …/replays
 */
export function replayWords({ dryRun, from, to, matching, sent, notSent, connections }) {
  if (to < from) return 'The range has no events.';
  const range = from === to ? `seq ${from}` : `seq ${from} to ${to}`;
  if (matching === 0) return `No event in ${range} is like that.`;
  const found = `${plural(matching, 'event')} in ${range}.`;
  if (connections.length === 0) return `${found} Nobody is connected who could be sent ${matching === 1 ? 'it' : 'them'}; who comes later resumes by itself.`;
  const rest = notSent ? ` ${notSent.toLocaleString('en')} more ${dryRun ? 'would find' : 'found'} no room in their queues.` : '';
  return `${found} ${sent.toLocaleString('en')} ${dryRun ? 'would be' : 'were'} sent, to ${plural(connections.length, 'connection')}.${rest}`;
}

/** The lists below it: what is gone, who is sent how much, which events. */
export function replayLists(answer) {
  return [...gapLines(answer.gaps), connectionTable(answer), eventTable(answer)].filter(Boolean);
}

function gapLines(gaps) {
  return gaps.slice(0, 10).map((gap) => {
    const { title, range } = explainGap(gap);
    return el('p', { class: 'preview-gap' }, `${title}${range ? ` (${range})` : ''}.`);
  });
}

function connectionTable({ connections, dryRun }) {
  if (connections.length === 0) return null;
  const rows = connections.slice(0, maxConnections).map(({ connectionId, transport, device, sent, notSent, last }) => el('tr', {},
    el('td', {}, device ?? 'no device'),
    el('td', {}, transports[transport] ?? transport),
    el('td', {}, sent.toLocaleString('en')),
    el('td', {}, notSent ? `${notSent.toLocaleString('en')}, after seq ${last ?? '–'}` : '0'),
    el('td', { class: 'mono id', title: connectionId }, connectionId)));
  return table('Connections', connections.length - rows.length,
    ['Device', 'Transport', dryRun ? 'Would be sent' : 'Sent', 'No room for', 'Connection'], rows);
}

function eventTable({ events = [], matching }) {
  if (events.length === 0) return null;
  const rows = events.slice(0, maxEvents).map(({ seq, type, ts, device, exceptDevice }) => el('tr', {},
    el('td', { class: 'mono' }, String(seq)),
    el('td', {}, type),
    el('td', {}, el('time', { class: 'mono', datetime: isoTime(ts), title: day(ts) }, clockTime(ts))),
    el('td', {}, device ? `for ${device}` : exceptDevice ? `not for ${exceptDevice}` : 'for all')));
  return table('Events', matching - rows.length, ['Seq', 'Type', 'Published', 'For'], rows);
}

function table(name, more, heads, rows) {
  return el('section', { class: 'preview-table' },
    el('h4', {}, name, more > 0 && el('span', { class: 'hint' }, ` the first ${rows.length}, and ${more.toLocaleString('en')} more`)),
    el('div', { class: 'preview-scroll', tabindex: '0', role: 'region', 'aria-label': name },
      el('table', {},
        el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
        el('tbody', {}, ...rows))));
}
