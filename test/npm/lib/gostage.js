import { once } from 'node:events';
import http from 'node:http';
import { launch } from './chromium.js';
import { GoProgram } from './goprogram.js';
import { Wire } from './proxy.js';
import { Site } from './static.js';

/** What the tests of one file share: the Go program, a wire to it, the site of an app, a browser if one is needed. */
export class GoStage {
  /** The scenes that play here, of the folder client. */
  scenes = 'goplay.js';
  /** Nothing is there, and it is a page all the same. */
  page = '/page';
  program;
  site;
  /** Another door, which sends clients to the program, with a token. */
  door;
  wire;
  #browser = null; // a promise: several may ask at once

  /** @param {string} [addr] where the program listens, if it is to be started again */
  static async set(addr) {
    const stage = new GoStage();
    stage.site = await Site.start();
    const origins = [stage.site.url, stage.site.url.replace('localhost', '127.0.0.1')];
    stage.program = await GoProgram.start(`--origins=${origins}`, ...(addr ? [`--addr=${addr}`] : []));
    stage.wire = await Wire.to(stage.program.url);
    stage.door = await Door.to(`${stage.program.url}/hUB?own=redirected`);
    return stage;
  }

  get url() {
    return this.program.url;
  }

  async newPage() {
    this.#browser ??= launch();
    return (await this.#browser).newPage();
  }

  /** What a scene may ask for, wherever it plays. */
  deeds = {
    down: () => this.program.down(),
    up: () => this.program.up(),
    cut: () => this.wire.cut(),
    mend: () => this.wire.mend(),
    snap: () => this.wire.snap(),
    door: () => this.door.url,
    site: () => this.site.url,
    knocks: () => this.door.knocks,
  };

  async close() {
    await (await this.#browser)?.close();
    await this.door?.close();
    await this.wire?.close();
    await this.site?.close();
    await this.program?.close();
  }
}

/** Answers negotiate with a redirect. */
class Door {
  #server;
  url = '';
  knocks = 0;

  static async to(target) {
    const door = new Door();
    door.#server = http.createServer((req, res) => {
      const share = {
        'Access-Control-Allow-Origin': req.headers.origin ?? '*', 'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Allow-Headers': 'x-requested-with,x-signalr-user-agent,authorization',
      };
      if (req.method === 'OPTIONS') {
        res.writeHead(204, share).end();
        return;
      }
      door.knocks++;
      res.writeHead(200, { ...share, 'Content-Type': 'application/json' });
      res.end(JSON.stringify({ url: target, accessToken: 'sent on' }));
    });
    door.#server.listen(0, '127.0.0.1');
    await once(door.#server, 'listening');
    door.url = `http://127.0.0.1:${door.#server.address().port}/front`;
    return door;
  }

  async close() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
