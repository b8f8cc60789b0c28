import { launch } from './chromium.js';
import { Hubline } from './hubline.js';
import { Site } from './static.js';

/** What the tests of one file share: a server, the site of an app, a browser if one is needed. */
export class Stage {
  /** The scenes that play here, of the folder client. */
  scenes = 'play.js';
  /** A page of the server that has no policy of what may run in it. */
  page = '/healthz';
  hubline;
  site;
  #browser = null; // a promise: several may ask at once

  /** @param {{addr?: string, allow?: boolean, flags?: string[]}} [options] allow: the site may connect */
  static async set({ addr, allow = true, flags = [] } = {}) {
    const stage = new Stage();
    stage.site = await Site.start();
    if (allow) flags = [...flags, `--allowed-origins=${stage.site.url}`];
    stage.hubline = await Hubline.start({ addr, flags });
    return stage;
  }

  get url() {
    return this.hubline.url;
  }

  async newPage() {
    this.#browser ??= launch();
    return (await this.#browser).newPage();
  }

  /** What a scene may ask for, wherever it plays. */
  deeds = {
    user: (options) => this.hubline.user(options),
    publish: (user, events) => this.hubline.publish(user, events),
    toChannel: (channel, events) => this.hubline.publishToChannel(channel, events),
    down: () => this.hubline.down(),
    up: () => this.hubline.up(),
    kill: () => this.hubline.kill(),
    confirmed: (who) => this.hubline.confirmed(who),
    written: () => this.hubline.written(),
    /** Waits until the server has no connection any more. */
    idle: async () => {
      const until = Date.now() + 10_000;
      while (await this.hubline.metric('hubline_connections')) {
        if (Date.now() > until) throw new Error('the server still has connections');
      }
    },
  };

  async close() {
    await (await this.#browser)?.close();
    await this.site?.close();
    await this.hubline?.close();
  }
}
