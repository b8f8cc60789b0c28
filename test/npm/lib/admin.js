import { Console } from './console.js';

/** The console's view for administrators, as somebody sees and uses it. */
export class AdminPage extends Console {
  static async open(stage, { user, url = stage.hubline.url, clock = false } = {}) {
    const it = new AdminPage();
    it.page = await it.watch(stage);
    if (clock) await it.page.clock.install();
    await it.page.goto(`${url}/#admin${user ? `/${encodeURIComponent(user)}` : ''}`);
    return it;
  }

  /** Opens a user's log with a key, which it asks for. */
  static async openAs(stage, user, key, options) {
    const it = await AdminPage.open(stage, { ...options, user });
    await it.paste(key);
    await it.opened(user);
    return it;
  }

  async paste(key, { keep = false } = {}) {
    await this.page.locator('#key').fill(key);
    await this.page.locator('#key-keep').setChecked(keep);
    await this.press('Use this key');
  }

  async opened(user) {
    await this.page.locator('#admin-title', { hasText: user }).waitFor();
    await this.page.locator('#admin').waitFor();
  }

  /** Waits until an element has a text, and returns all of its text. */
  async text(selector, has) {
    const element = this.page.locator(selector, has === undefined ? {} : { hasText: has }).first();
    await element.waitFor();
    return (await element.innerText()).trim();
  }

  async gate(message) {
    await this.page.locator('#gate').waitFor();
    return message === undefined ? '' : this.text('#key-error', message);
  }

  /** The rows of the timeline from the top, events by their seq. */
  rows() {
    return this.page.locator('#log > li').evaluateAll((rows) => rows.filter((row) => !row.matches('.day')).map((row) => (
      row.matches('.event') ? Number(row.querySelector('.seq').textContent) : row.querySelector('.gap-facts').textContent)));
  }

  /** Waits until the newest row is this. */
  async sees(seq) {
    await this.page.locator('#log > li:not(.day)').first().locator('.seq').getByText(String(seq), { exact: true }).waitFor();
  }

  /** How many rows there are, headings too. */
  domRows() {
    return this.page.locator('#log > li').count();
  }

  /** Reads on backwards once; false if this was the end. */
  async older() {
    const before = await this.text('#log-end');
    await this.press('Older events');
    await this.page.waitForFunction((text) => document.querySelector('#log-end').textContent.trim() !== text
      && !document.querySelector('#log-older').ariaBusy, before);
    return this.page.locator('#log-older').isVisible();
  }

  /** A run as it is drawn. */
  async run(fileName, state) {
    const run = this.page.locator(`#admin-runs .run${state ? `[data-state=${state}]` : ''}`, { has: this.page.getByText(fileName, { exact: true }) }).first();
    await run.waitFor();
    return {
      state: await run.getAttribute('data-state'),
      percent: await run.getByRole('progressbar').getAttribute('aria-valuenow'),
      words: await run.innerText(),
      stages: await run.locator('.stage-title').allInnerTexts(),
    };
  }

  /** A device as it is drawn, once it has this lag. */
  async device(name, lag) {
    const row = this.page.locator('.device', { has: this.page.getByText(name, { exact: true }) }).filter({ hasText: lag });
    await row.waitFor();
    return row.innerText();
  }

  /** The words of the dry run, or of what was sent. */
  async preview(title) {
    await this.page.locator('#replay-preview').getByRole('heading', { name: title, exact: true }).waitFor();
    return this.text('#preview-words');
  }
}
