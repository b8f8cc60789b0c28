/** The console's page, as somebody sees and uses it. */
export class Console {
  /** The browser's page. */
  page;
  #wrong = [];

  static async open(stage, url = stage.hubline.url) {
    const it = new Console();
    it.page = await it.watch(stage);
    await it.page.goto(`${url}/`);
    return it;
  }

  /** A page of the browser of which is noted what goes wrong. */
  async watch(stage) {
    const page = await stage.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (err) => this.#wrong.push(String(err)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#wrong.push(message.text());
    });
    return page;
  }

  /** What the page has complained of so far, or the browser about it. */
  get wrong() {
    return this.#wrong;
  }

  async choose(name) {
    await this.page.locator('#transports label', { has: this.page.locator(`input[value=${name}]`) }).click();
  }

  async waitFor(state, detail) {
    await this.page.locator('#state', { hasText: state }).waitFor();
    if (detail) await this.page.locator('#state-detail', { hasText: detail }).waitFor();
  }

  /** Presses the main button, which must have this name. */
  async press(name) {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  /** Waits for the row of an event, and returns where it came from: live, replay or redelivery. */
  async originOf(type) {
    const row = this.page.locator('.event', { has: this.page.getByText(type, { exact: true }) });
    await row.waitFor();
    return row.getAttribute('data-origin');
  }

  /** The newest mark of a kind, as text. */
  async mark(kind) {
    const mark = this.page.locator(`.mark[data-kind=${kind}]`).first();
    await mark.waitFor();
    return mark.innerText();
  }

  /** How many rows a type has. */
  countOf(type) {
    return this.page.locator('.event', { has: this.page.getByText(type, { exact: true }) }).count();
  }

  /** Waits for events that nobody here has published. */
  async seesLife() {
    await this.page.locator('.event').first().waitFor();
  }

  close() {
    return this.page.close();
  }
}
