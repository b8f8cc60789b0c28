import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { within } from '../client/support.js';

const run = promisify(execFile);
const binary = process.env.HUBLINE_TEST_BINARY ?? fileURLToPath(new URL('../../../bin/hubline', import.meta.url));

// Settings of a server that runs here must not reach the tests' own.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HUBLINE_')));

let users = 0;

/** A server of our own: the real program with a data directory that ends with it. */
export class Hubline {
  #dir;
  #flags;
  #process = null;
  #exited = null;
  #said = '';
  #tokens = [];
  /** http://127.0.0.1:port, without a slash at the end. */
  url = '';

  /** @param {{addr?: string, flags?: string[]}} options flags of `hubline serve`, besides --addr and --data */
  static async start({ addr = '127.0.0.1:0', flags = [] } = {}) {
    const hubline = new Hubline();
    hubline.#dir = await mkdtemp(path.join(tmpdir(), 'hubline-npm-'));
    hubline.#flags = ['--drain-timeout=1s', '--log-level=debug', ...flags];
    await hubline.up(addr);
    return hubline;
  }

  get #data() {
    return path.join(this.#dir, 'data');
  }

  /** Starts the program; by default again where it was. */
  async up(addr = new URL(this.url).host) {
    this.#process = spawn(binary, ['serve', `--addr=${addr}`, `--data=${this.#data}`, ...this.#flags], {
      env, stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#process, 'exit');
    this.#process.stderr.setEncoding('utf8').on('data', (text) => (this.#said += text));
    const lines = createInterface({ input: this.#process.stdout });
    const first = once(lines, 'line').then(([line]) => line);
    lines.on('line', (line) => (this.#said += `${line}\n`));
    const failed = this.#exited.then(() => { throw new Error(`hubline ended at once:\n${this.#said}`); });
    failed.catch(() => {}); // it also ends when it is meant to
    const line = await within(Promise.race([first, failed]), 'first line of hubline serve');
    this.url = new URL(line.match(/https?:\/\/\S+/)[0]).origin;
  }

  /** Stops the program as a service manager does, and waits for its end. */
  async down() {
    if (!this.#process) return;
    const stopped = this.#process;
    this.#process = null;
    stopped.kill('SIGTERM');
    try {
      const [code, signal] = await within(this.#exited, 'end of hubline after SIGTERM');
      if (code !== 0) throw new Error(`hubline ended with ${code ?? signal}:\n${this.#said}`);
    } finally {
      stopped.kill('SIGKILL');
    }
  }

  /** Ends the program without a word of warning. */
  async kill() {
    const killed = this.#process;
    this.#process = null;
    killed.kill('SIGKILL');
    await within(this.#exited, 'end of hubline after SIGKILL');
  }

  /** Waits until a device is known to have everything. */
  async confirmed({ user, device }) {
    const until = Date.now() + 20_000;
    for (;;) {
      const { body } = await this.#get(`/api/v1/users/${user}/devices`, await this.key());
      const it = JSON.parse(body).devices.find((one) => one.device === device);
      if (it?.lag === 0) return;
      if (Date.now() > until) throw new Error(`the device has not confirmed everything: ${body}`);
    }
  }

  /** Waits until what devices have confirmed so far is on disk: their cursors are written every second. */
  async written() {
    const token = await this.token('clock');
    await this.#get('/events?wait=2.5', token); // a clock that needs no timer
  }

  async #get(path, credentials) {
    const answer = await request(`${this.url}${path}`, { headers: { Authorization: `Bearer ${credentials}` } });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
    return answer;
  }

  /** Stops the program and removes its data. Fails if a token stands in what it has said. */
  async close() {
    try {
      await this.down();
      const told = this.#tokens.find((token) => this.#said.includes(token));
      if (told) throw new Error('the log of hubline has a token in it');
      if (/panic|goroutine \d+ \[/.test(this.#said)) throw new Error(`hubline panicked:\n${this.#said}`);
    } finally {
      await rm(this.#dir, { recursive: true, force: true });
    }
  }

  /** A user nobody else has, with a token. */
  async user({ device, channels } = {}) {
    const user = `user-${process.pid}-${++users}`;
    return { user, device, token: await this.token(user, device, channels) };
  }

  async token(user, device, channels) {
    const args = ['token', `--data-dir=${this.#data}`, `--user=${user}`];
    if (device) args.push(`--device=${device}`);
    if (channels) args.push(`--channels=${channels}`);
    const { stdout } = await run(binary, args, { env });
    const token = stdout.trim();
    this.#tokens.push(token);
    return token;
  }

  /** The API key that the server has made, with every scope. */
  async key() {
    return (await readFile(path.join(this.#data, 'api-key'), 'utf8')).trim();
  }

  /**
   * Publishes events one after the other; an event is an object, or JSON text that goes out as it is.
   * Returns the receipts.
   */
  publish(user, events) {
    return this.#publish(`users/${user}`, events);
  }

  /** The same to the members of a channel. */
  publishToChannel(channel, events) {
    return this.#publish(`channels/${channel}`, events);
  }

  async #publish(whom, events) {
    const key = await this.key();
    const receipts = [];
    for (const event of events) {
      const body = typeof event === 'string' ? event : JSON.stringify(event);
      const answer = await request(`${this.url}/api/v1/${whom}/events`, {
        method: 'POST',
        headers: { 'Authorization': `Bearer ${key}`, 'Content-Type': 'application/json' },
        body,
      });
      if (answer.status !== 201) throw new Error(`publish answered ${answer.status}: ${answer.body}`);
      receipts.push(JSON.parse(answer.body));
    }
    return receipts;
  }

  /** Publishes up to 1,000 events in one request. */
  async publishBatch(user, events) {
    const answer = await request(`${this.url}/api/v1/events:batch`, {
      method: 'POST',
      headers: { 'Authorization': `Bearer ${await this.key()}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(events.map((event) => ({ user, event }))),
    });
    if (answer.status !== 200) throw new Error(`batch answered ${answer.status}: ${answer.body}`);
  }

  /** Makes the user a member of a channel. */
  async enrol(channel, user) {
    const answer = await request(`${this.url}/api/v1/channels/${channel}/members/${user}`, {
      method: 'PUT', headers: { Authorization: `Bearer ${await this.key()}` },
    });
    if (answer.status !== 200) throw new Error(`enrol answered ${answer.status}: ${answer.body}`);
  }

  /** A figure of /metrics, by its name and labels as they stand there. */
  async metric(name) {
    const { body } = await request(`${this.url}/metrics`);
    const line = body.split('\n').find((text) => text.startsWith(`${name} `));
    if (!line) throw new Error(`/metrics has no ${name}`);
    return Number(line.slice(name.length + 1));
  }
}

/** One HTTP request on a connection of its own. */
export async function request(url, { method = 'GET', headers = {}, body = '' } = {}) {
  const outgoing = http.request(url, { method, agent: false, headers });
  outgoing.end(body);
  const [response] = await within(once(outgoing, 'response'), `answer to ${method} ${new URL(url).pathname}`);
  const chunks = await response.setEncoding('utf8').toArray();
  return { status: response.statusCode, headers: response.headers, body: chunks.join('') };
}

/**
 * A free address for a server that will be started there more than once. It is
 * not from the range of which the kernel takes the ports of clients: one that
 * tries again and again would meet itself there.
 */
export async function freeAddress() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = net.createServer();
    const free = once(server.listen(port, '127.0.0.1'), 'listening').then(() => true, () => false);
    if (!await free) continue;
    server.close();
    await once(server, 'close');
    return `127.0.0.1:${port}`;
  }
}
