/** Words for people. English throughout, like the rest of the console. */

export const transportNames = Object.freeze({
  auto: 'Auto',
  WebSockets: 'WebSocket',
  ServerSentEvents: 'Server-Sent Events',
  LongPolling: 'Long polling',
});

/** "over WebSocket", as it stands in a sentence. */
export function over(transport) {
  return `over ${transport === 'LongPolling' ? 'long polling' : transportNames[transport]}`;
}

/** "1 event", "12 events". */
export function plural(count, noun) {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Time of day with milliseconds, local: "14:03:22.041". */
export function clockTime(ms) {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return '–';
  const two = (n) => String(n).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** A running counter: "0:07", "12:30", "1:02:03". */
export function counter(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A span in the unit that fits: "40 ms", "1.2 s", "3 min", "2 h". */
export function span(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_570_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** A span before now, roughly: "just now", "4 min ago", "3 days ago". */
export function ago(ms) {
  if (ms < 10_000) return 'just now';
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  return `${plural(Math.floor(ms / 86_400_000), 'day')} ago`;
}

/** The local day, "Sun 29 Nov 2026"; "" if it is none. */
export function day(ms) {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return '';
  return at.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).replace(',', '');
}

/** A time for the attribute datetime, or undefined. */
export function isoTime(ms) {
  const at = new Date(ms);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** Events per second: "0", "0.4", "12", "1,340". */
export function rate(perSecond) {
  if (perSecond <= 0) return '0';
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
}

/**
 * The beginning of a value as one line of JSON-like text. Stops as soon as maxChars
 * are full, so the cost does not grow with the value.
 */
export function summarize(value, maxChars = 160) {
  let out = '';
  const room = () => maxChars - out.length;
  const put = (text) => {
    out += text.length > room() ? text.slice(0, room()) : text;
    return room() > 0;
  };
  const walk = (item) => {
    if (typeof item === 'string') return put(JSON.stringify(item.slice(0, maxChars)));
    if (item === null || typeof item !== 'object') return put(String(item));
    const list = Array.isArray(item);
    if (!put(list ? '[' : '{')) return false;
    let first = true;
    for (const key in item) {
      if (!put(first ? '' : ', ') || (!list && !put(`${key}: `)) || !walk(item[key])) return false;
      first = false;
    }
    return put(list ? ']' : '}');
  };
  return walk(value) ? out : `${out.slice(0, maxChars - 1)}…`;
}
