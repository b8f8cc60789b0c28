/** Events per second over a sliding window of whole seconds. Constant memory. */
export class Rate {
  #counts;
  #second = 0;

  constructor(windowSeconds = 5) {
    this.#counts = new Array(windowSeconds).fill(0);
  }

  add(now, count = 1) {
    this.#roll(now);
    this.#counts[this.#second % this.#counts.length] += count;
  }

  /** Events per second at a time in milliseconds that does not run backwards. */
  perSecond(now) {
    this.#roll(now);
    return this.#counts.reduce((sum, n) => sum + n, 0) / this.#counts.length;
  }

  #roll(now) {
    const second = Math.floor(now / 1000);
    const steps = Math.min(second - this.#second, this.#counts.length);
    for (let i = 0; i < steps; i++) this.#counts[(second - i) % this.#counts.length] = 0;
    if (second > this.#second) this.#second = second;
  }
}
