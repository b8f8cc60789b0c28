// A user's log as GET /api/v1/users/{user}/events answers of it.

export class FakeLog {
  epoch = 'e1';
  /** How often it was asked. */
  calls = 0;
  #entries = []; // of seq 1, 2, …: {event, type} or {lost: reason, type}

  get head() {
    return this.#entries.length;
  }

  get oldest() {
    const first = this.#entries.findIndex(({ event }) => event);
    return first < 0 ? this.head + 1 : first + 1;
  }

  /** Publishes events. */
  add(count = 1, event = {}) {
    for (let i = 0; i < count; i++) {
      const seq = this.head + 1;
      this.#entries.push({ type: event.type ?? 'a', event: { id: `id-${seq}`, seq, cursor: `${this.epoch}-${seq}`, type: 'a', ts: 1000 * seq, data: { seq }, ...event } });
    }
  }

  /** Loses events, both ends included. */
  lose(from, to, reason = 'limit') {
    for (let seq = from; seq <= to; seq++) this.#entries[seq - 1] = { ...this.#entries[seq - 1], event: null, lost: this.#entries[seq - 1].lost ?? reason };
  }

  begin(epoch) {
    this.epoch = epoch;
    this.#entries = [];
  }

  /** What stands at a seq: {event, type}, {lost, type} or undefined. */
  at(seq) {
    return this.#entries[seq - 1];
  }

  read = async ({ since, limit, types }) => {
    this.calls++;
    const { epoch, head, oldest } = this;
    const [of, text] = since.includes('-') ? since.split('-') : [epoch, since];
    let pos = text === 'latest' ? head : Number(text);
    const events = [];
    let gap = null;
    if (of !== epoch) {
      gap = { from: 0, to: oldest - 1, reason: 'epoch' };
      pos = oldest - 1;
    } else if (pos > head) {
      gap = { from: head + 1, to: pos, reason: 'ahead' };
      pos = head;
    }
    while (pos < head) {
      const { event, lost } = this.at(pos + 1);
      if (lost) {
        if (events.length || gap) break;
        gap = { from: pos + 1, to: pos + 1, reason: lost };
        while (this.at(gap.to + 1)?.lost === lost) gap.to++;
        pos = gap.to;
        continue;
      }
      if (!types || types.includes(event.type)) {
        if (events.length === limit) break;
        events.push(event);
      }
      pos++;
    }
    return { epoch, head, oldest, events, cursor: `${epoch}-${pos}`, gap };
  };
}

/** A small generator of random numbers that a seed repeats. */
export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
