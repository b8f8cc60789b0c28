import signalR from '@microsoft/signalr';
import msgpack from '@microsoft/signalr-protocol-msgpack';
import { play } from '../client/play.js';
import { noChromium } from './chromium.js';

/**
 * Where the clients run. open takes a stage (lib/stage.js) and answers with a
 * place, which plays scenes (client/) against the server at url.
 */
export const places = [
  { name: 'Node', open: async (stage, url = stage.hubline.url) => new NodePlace(stage, url) },
  {
    name: 'Chromium, same origin',
    skip: noChromium,
    // A page of the server that has no policy of what may run in it.
    open: (stage, url = stage.hubline.url) => PagePlace.open(stage, url, `${url}/healthz`),
  },
  {
    name: 'Chromium, another origin',
    skip: noChromium,
    open: (stage, url = stage.hubline.url) => PagePlace.open(stage, url, `${stage.site.url}/`),
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

  static async open(stage, url, address) {
    const place = new PagePlace();
    place.#url = url;
    place.#site = stage.site.url;
    place.#page = await stage.newPage();
    await place.#page.exposeFunction('ask', ([name, ...args]) => stage.deeds[name](...args));
    await place.#page.goto(address);
    for (const script of ['signalr.js', 'msgpack.js']) {
      await place.#page.addScriptTag({ url: `${stage.site.url}/${script}` });
    }
    return place;
  }

  async play(...scene) {
    await this.#page.evaluate(async ([site, url, args]) => {
      const { playHere } = await import(`${site}/page.js`);
      await playHere(url, ...args);
    }, [this.#site, this.#url, scene]);
  }

  async close() {
    await this.#page.close();
  }
}
