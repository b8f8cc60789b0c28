/** Named events with handlers that cannot starve one another. */
export class Emitter {
  #handlers = new Map();

  /** Adds a handler and returns the function that removes it. */
  on(name, handler) {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Calls every handler of name. One that throws is reported; the others still run. */
  emit(name, value) {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        handler(value);
      } catch (err) {
        (globalThis.reportError ?? console.error)(err);
      }
    }
  }
}
