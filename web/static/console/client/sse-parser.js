// An event stream line may not grow without end; the server's own limit on one
// event is far below this.
const maxBufferedChars = 16 * 1024 * 1024;

/**
 * Incremental parser of text/event-stream (WHATWG HTML, section 9.2.6), for text
 * cut anywhere. EventSource cannot be used in its place: it hides an id that comes
 * without data, and it reconnects by itself with a ticket that is already spent.
 */
export class SSEParser {
  #buffer = '';
  #event = '';
  #data = [];
  #dataChars = 0;
  #id = null;
  #first = true;
  #onMessage;

  /**
   * @param {(message: {event: string, data: string|null, id: string|null}) => void} onMessage
   *   called per blank line that ends something; data is null if only an id came
   */
  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  /** Takes the next piece of text. Throws a RangeError if one event is absurdly long. */
  push(text) {
    if (this.#first && text) {
      this.#first = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    this.#buffer += text;
    let start = 0;
    for (;;) {
      const end = this.#lineEnd(start);
      if (end < 0) break;
      this.#line(this.#buffer.slice(start, end));
      start = this.#buffer.startsWith('\r\n', end) ? end + 2 : end + 1;
    }
    this.#buffer = this.#buffer.slice(start);
    if (this.#buffer.length + this.#dataChars > maxBufferedChars) {
      throw new RangeError('one event of the stream exceeds the parser limit');
    }
  }

  // A CR at the very end waits: its LF may be in the next piece.
  #lineEnd(start) {
    const lf = this.#buffer.indexOf('\n', start);
    const cr = this.#buffer.indexOf('\r', start);
    if (cr >= 0 && (lf < 0 || cr < lf)) return cr === this.#buffer.length - 1 ? -1 : cr;
    return lf;
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return undefined;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') this.#event = value;
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    if (field === 'data') {
      this.#data.push(value);
      this.#dataChars += value.length + 1;
    }
    return undefined;
  }

  #dispatch() {
    const message = {
      event: this.#event || 'message',
      data: this.#data.length ? this.#data.join('\n') : null,
      id: this.#id,
    };
    this.#event = '';
    this.#data = [];
    this.#dataChars = 0;
    this.#id = null;
    if (message.data !== null || message.id !== null) this.#onMessage(message);
  }
}
