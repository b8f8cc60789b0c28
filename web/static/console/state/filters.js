const maxTypes = 64;
const maxTypeBytes = 128;

/**
 * What of a log is to be shown, from the texts of a form.
 * @param {{types: string, device: string, from: string, to: string}} texts from and to as an
 *   <input type="datetime-local"> has them, in local time
 * @returns {{query: {types?: string[], device?: string, from?: number, to?: number}, wrong: {field?: string, words: string}|null}}
 */
export function parseFilters({ types, device, from, to }) {
  const query = {};
  const fail = (field, words) => ({ query: {}, wrong: { field, words } });
  const list = parseTypes(types);
  if (list.length > maxTypes) return fail('types', `At most ${maxTypes} types.`);
  const long = list.find((type) => new TextEncoder().encode(type).length > maxTypeBytes);
  if (long) return fail('types', `A type has at most ${maxTypeBytes} bytes.`);
  if (list.length) query.types = list;
  if (device) query.device = device;
  for (const [field, text] of [['from', from], ['to', to]]) {
    if (!text) continue;
    const at = new Date(text).getTime();
    if (!Number.isFinite(at) || at < 0) return fail(field, 'That is no time.');
    query[field] = at;
  }
  // The field names a minute, and all of it is meant.
  if (query.to !== undefined) query.to += 59_999;
  if (query.from > query.to) return fail('to', 'The end is before the beginning.');
  return { query, wrong: null };
}

/** "a, b,,a" → ["a", "b"]. */
export function parseTypes(text) {
  return [...new Set(text.split(',').map((type) => type.trim()).filter(Boolean))];
}

/** Whether anything is left out. */
export function isFiltered(query) {
  return Object.keys(query).length > 0;
}
