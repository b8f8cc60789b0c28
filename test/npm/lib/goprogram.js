import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { within } from '../client/support.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The Go program of hub/, which mounts hubs of its own. */
export class GoProgram {
  #dir;
  #binary = process.env.HUBLINE_TEST_HUB;
  #flags;
  #process = null;
  #exited;
  #said = '';
  /** http://127.0.0.1:port, without a slash at the end. */
  url = '';

  /** Builds it, unless HUBLINE_TEST_HUB names it, and starts it. */
  static async start(...flags) {
    const program = new GoProgram();
    program.#flags = flags;
    if (!program.#binary) {
      program.#dir = await mkdtemp(path.join(tmpdir(), 'hubline-go-'));
      program.#binary = path.join(program.#dir, 'hub');
      await run(process.env.GO ?? 'go', ['build', '-o', program.#binary, './test/npm/hub'], { cwd: root });
    }
    await program.up();
    return program;
  }

  async up() {
    this.#process = spawn(this.#binary, this.#flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = once(this.#process, 'exit');
    this.#process.stderr.setEncoding('utf8').on('data', (text) => (this.#said += text));
    const first = once(createInterface({ input: this.#process.stdout }), 'line').then(([line]) => line);
    const failed = this.#exited.then(() => { throw new Error(`the program ended at once:\n${this.#said}`); });
    failed.catch(() => {}); // it also ends when it is meant to
    this.url = await within(Promise.race([first, failed]), 'first line of the program');
  }

  /** Stops the program as a service manager does, and waits for its end. */
  async down() {
    if (!this.#process) return;
    const stopped = this.#process;
    this.#process = null;
    stopped.kill('SIGTERM');
    try {
      const [code, signal] = await within(this.#exited, 'end of the program after SIGTERM');
      if (code !== 0) throw new Error(`the program ended with ${code ?? signal}:\n${this.#said}`);
    } finally {
      stopped.kill('SIGKILL');
    }
  }

  /** Stops the program. Fails if it has crashed, or if the race detector has found something. */
  async close() {
    try {
      await this.down();
      if (/goroutine \d+ \[|DATA RACE/.test(this.#said)) throw new Error(`the program crashed:\n${this.#said}`);
    } finally {
      if (this.#dir) await rm(this.#dir, { recursive: true, force: true });
    }
  }
}
