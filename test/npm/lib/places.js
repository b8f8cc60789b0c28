import signalR from '@microsoft/signalr';
import msgpack from '@microsoft/signalr-protocol-msgpack';
import { noChromium } from './chromium.js';

/**
 * Where the clients run; kind is what a test may have to know of it. open takes
 * a stage (lib/stage.js, lib/gostage.js) and answers with a place, which plays
 * the stage's scenes (client/) against the server at url.
 */
export const places = [
  { name: 'Node', kind: 'node', open: (stage, url = stage.url) => NodePlace.open(stage, url) },
  {
    name: 'Chromium, same origin',
    kind: 'page',
    skip: noChromium,
    open: (stage, url = stage.url) => PagePlace.open(stage, url, `${url}${stage.page}`),
  },
  {
    name: 'Chromium, another origin',
    kind: 'foreign page',
    skip: noChromium,
    open: (stage, url = stage.url) => PagePlace.open(stage, url, `${stage.site.url}/`),
  },
];

export class NodePlace {
  #parts;
  #play;

  /** client and packed are the modules of the client, by default the present ones. */
  static async open(stage, url, client = signalR, packed = msgpack) {
    const place = new NodePlace();
    const ask = (name, ...args) => stage.deeds[name](...args);
    place.#parts = { signalR: client, MessagePackHubProtocol: packed.MessagePackHubProtocol, url, ask };
    place.#play = (await import(`../client/${stage.scenes}`)).play;
    return place;
  }

  play(name, ...args) {
    return this.#play(this.#parts, name, ...args);
  }

  async close() {}
}

export class PagePlace {
  #page;
  #stage;
  #url;

  /** cookies go along to url. */
  static async open(stage, url, address, cookies = {}) {
    const place = new PagePlace();
    place.#url = url;
    place.#stage = stage;
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
    await this.#page.evaluate(async ([site, scenes, url, args]) => {
      await import(`${site}/${scenes}`); // makes its scenes known
      const { playHere } = await import(`${site}/page.js`);
      await playHere(url, ...args);
    }, [this.#stage.site.url, this.#stage.scenes, this.#url, scene]);
  }

  async close() {
    await this.#page.close();
  }
}
