import { span } from '../state/format.js';
import { stripMs } from '../state/strip.js';

/** Draws the last minute on a canvas: bars for events, hatching for times away. */
export class StripView {
  #canvas;
  #context;
  #colors = {};
  #size = { width: 0, height: 0 };
  #last = null;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    this.#readColors();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#readColors());
    new ResizeObserver(([{ contentRect }]) => this.#resize(contentRect)).observe(canvas);
  }

  #readColors() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['live', 'replay', 'gap', 'away', 'rule', 'ink-2', 'surface']) {
      this.#colors[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.#colors.font = getComputedStyle(this.#canvas).fontFamily;
  }

  #resize({ width, height }) {
    const ratio = devicePixelRatio || 1;
    this.#size = { width, height };
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    // A canvas of another size is empty.
    if (this.#last) this.draw(...this.#last);
  }

  /** @param {import('../state/strip.js').Strip} strip  @param {number} now */
  draw(strip, now) {
    this.#last = [strip, now];
    const { width, height } = this.#size;
    // A bar of less than three pixels is a hair: on a narrow screen it stands for a second.
    const { bars, away, peak } = strip.view(now, width < 560 ? 1000 : 500);
    const context = this.#context;
    const x = (ago) => width - (ago / stripMs) * width;
    const floor = height - 1.5;
    context.clearRect(0, 0, width, height);

    for (const { from, to, gap } of away) this.#hatch(x(from), x(to), floor, gap);

    context.strokeStyle = this.#colors.rule;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, floor + 0.5);
    context.lineTo(width, floor + 0.5);
    context.stroke();

    // Logarithmic, so that a single event still shows beside a burst of a thousand.
    const scale = (floor - 24) / Math.log2(2 + Math.max(peak, 3));
    for (const { ago, width: ms, live, replay } of bars) {
      const left = x(ago) + 0.5;
      const barWidth = Math.max(1.5, (ms / stripMs) * width - 1.5);
      const full = Math.log2(1 + live + replay) * scale;
      const replayed = full * (replay / (live + replay));
      this.#bar(left, floor - full, barWidth, full, this.#colors.live);
      if (replay) this.#bar(left, floor - replayed, barWidth, replayed, this.#colors.replay);
    }
    for (const { from, to, gap } of away) this.#label(`away ${span(from - to)}`, x(from), x(to), gap);
  }

  #bar(left, top, width, height, color) {
    const context = this.#context;
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(left, top, width, height, [Math.min(2, width / 2), Math.min(2, width / 2), 0, 0]);
    context.fill();
  }

  #hatch(left, right, floor, gap) {
    if (right - left < 1) return;
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, floor);
    context.clip();
    context.strokeStyle = gap ? this.#colors.gap : this.#colors.away;
    context.globalAlpha = gap ? 0.5 : 1;
    context.lineWidth = 1;
    context.beginPath();
    // Anchored to the region's own edge, so that the hatching travels with it.
    for (let at = left - floor; at < right; at += 7) {
      context.moveTo(at, floor);
      context.lineTo(at + floor, 0);
    }
    context.stroke();
    context.restore();
  }

  #label(text, left, right, gap) {
    const context = this.#context;
    context.font = `12px ${this.#colors.font}`;
    const { width } = context.measureText(text);
    if (right - left < width + 16) return;
    const middle = (left + right) / 2;
    context.fillStyle = this.#colors.surface;
    context.fillRect(middle - width / 2 - 5, 2, width + 10, 18);
    context.fillStyle = gap ? this.#colors.gap : this.#colors['ink-2'];
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(text, middle, 11.5);
  }
}
