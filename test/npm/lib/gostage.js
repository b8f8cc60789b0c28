import { once } from 'node:events';
import http from 'node:http';
import signalR from '@microsoft/signalr';
import msgpack from '@microsoft/signalr-protocol-msgpack';
import { play } from '../client/goplay.js';
import { launch, noChromium } from './chromium.js';
import { GoProgram } from './goprogram.js';
import { Wire } from './proxy.js';
import { Site } from './static.js';

/** What the tests of one file share: the Go program, a wire to it, the site of an app, a browser if one is needed. */
export class GoStage {
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

/** Where the clients run, as in places.js; kind is what a test may have to know of it. */
export const places = [
  { name: 'Node', kind: 'node', open: async (stage, url = stage.program.url) => new NodePlace(stage, url) },
  {
    name: 'Chromium, same origin',
    kind: 'page',
    skip: noChromium,
    // Nothing is there, and it is a page all the same.
    open: (stage, url = stage.program.url) => PagePlace.open(stage, url, `${url}/page`),
  },
  {
    name: 'Chromium, another origin',
    kind: 'foreign page',
    skip: noChromium,
    open: (stage, url = stage.program.url) => PagePlace.open(stage, url, `${stage.site.url}/`),
  },
];

class NodePlace {
  #parts;

  constructor(stage, url) {
    const ask = (name, ...args) => stage.deeds[name](...args);
    this.#parts = { signalR, MessagePackHubProtocol: msgpack.MessagePackHubProtocol, url, ask };
  }

  play(name, ...args) {
    return play(this.#parts, name, ...args);
  }

  async close() {}
}

export class PagePlace {
  #page;
  #site;
  #url;

  /** cookies go along to url. */
  static async open(stage, url, address, cookies = {}) {
    const place = new PagePlace();
    place.#url = url;
    place.#site = stage.site.url;
    place.#page = await stage.newPage();
    await place.#page.context().addCookies(Object.entries(cookies).map(([name, value]) => ({ name, value, url })));
    await place.#page.exposeFunction('ask', async ([name, ...args]) => stage.deeds[name](...args));
    await place.#page.goto(address);
    for (const script of ['signalr.js', 'msgpack.js']) {
      await place.#page.addScriptTag({ url: `${stage.site.url}/${script}` });
    }
    return place;
  }

  async play(...scene) {
    await this.#page.evaluate(async ([site, url, args]) => {
      await import(`${site}/goplay.js`); // makes its scenes known
      const { playHere } = await import(`${site}/page.js`);
      await playHere(url, ...args);
    }, [this.#site, this.#url, scene]);
  }

  async close() {
    await this.#page.close();
  }
}
