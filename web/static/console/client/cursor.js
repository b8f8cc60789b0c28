/**
 * Reads a cursor `<epoch>-<seq>`. The seq is an unsigned 64-bit number, which a
 * JavaScript number cannot hold exactly, hence the BigInt.
 * @param {unknown} text
 * @returns {{epoch: string, seq: bigint} | null} null if it is not a whole cursor
 */
export function parseCursor(text) {
  const match = /^(.{1,64})-(\d{1,20})$/.exec(typeof text === 'string' ? text : '');
  return match && { epoch: match[1], seq: BigInt(match[2]) };
}

/**
 * How far one client has come in its user's log, and so which events are news to
 * it. Seqs are compared only within an epoch: a new epoch starts over.
 */
export class Position {
  #text = null;
  #at = null;

  constructor(text = null) {
    this.reset(text);
  }

  /** The cursor to resume after, or null before the first one is known. */
  get text() {
    return this.#text;
  }

  /** Jumps to a cursor, also backwards. */
  reset(text) {
    this.#text = text;
    this.#at = parseCursor(text);
  }

  /**
   * Makes the next event news whatever its seq, while keeping the text: until
   * something newer is known, resuming must ask for the same place, so that the
   * server announces the same gap again.
   */
  forget() {
    this.#at = null;
  }

  /**
   * Moves forward to a cursor and says whether it was ahead of the position. False
   * means that the event there has been handed out before.
   */
  advance(text) {
    const next = parseCursor(text);
    if (!next) return true;
    if (this.#at && this.#at.epoch === next.epoch && next.seq <= this.#at.seq) return false;
    this.#text = text;
    this.#at = next;
    return true;
  }
}
