const cursor = /^([a-z0-9]{1,32}-)?(0|[1-9]\d{0,19})$/;

/**
 * What a replay asks for, from the texts of a form.
 * @param {{since: string, until: string, types: string[], device: string}} wanted
 * @returns {{body: object|null, wrong: {field: string, words: string}|null}}
 */
export function parseReplay({ since, until, types, device }) {
  const fail = (field, words) => ({ body: null, wrong: { field, words } });
  const [from, to] = [since.trim() || '0', until.trim()];
  if (!cursor.test(from)) return fail('since', 'A cursor, such as k7q2-57, or a seq; 0 is everything kept.');
  if (to && !cursor.test(to)) return fail('until', 'A cursor, such as k7q2-57, or a seq; empty is the newest.');
  if (types.length > 64) return fail('types', 'At most 64 types.');
  const body = { since: from };
  if (to) body.until = to;
  if (types.length) body.types = types;
  if (device) body.device = device;
  return { body, wrong: null };
}

/**
 * A replay in two steps: first the server says what it would send, then exactly that
 * is sent. What has been published in between is not, and should the log begin
 * anew, nothing is: the range is pinned to the epoch and the seqs that were shown.
 */
export class ReplayPlan {
  #call;
  #body = null;
  /** The server's answer to the dry run, as long as it may be sent. */
  shown = null;

  /** @param {(body: object) => Promise<object>} call POST …/replays */
  constructor(call) {
    this.#call = call;
  }

  /** Whether there is anything that would be sent. */
  get sendable() {
    return this.shown !== null && this.shown.sent > 0;
  }

  /** Asks what would be sent. */
  async preview(body) {
    this.drop();
    const shown = await this.#call({ ...body, dryRun: true });
    this.#body = { ...body, since: `${shown.epoch}-${shown.from - 1}`, until: `${shown.epoch}-${shown.to}` };
    this.shown = shown;
    return shown;
  }

  /** Sends what was shown, once. */
  async send() {
    if (!this.sendable) throw new Error('nothing was shown that could be sent');
    const body = this.#body;
    this.drop();
    return this.#call({ ...body, dryRun: false });
  }

  /** Forgets what was shown: the form says something else by now. */
  drop() {
    this.shown = this.#body = null;
  }
}
