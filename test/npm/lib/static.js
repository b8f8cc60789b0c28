import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../client/', import.meta.url));
const { resolve } = createRequire(import.meta.url);
const published = (name, file) => path.join(path.dirname(resolve(`${name}/package.json`)), 'dist/browser', file);

// As they are published: the files that a page would take from a CDN.
const scripts = {
  '/signalr.js': published('@microsoft/signalr', 'signalr.js'),
  '/msgpack.js': published('@microsoft/signalr-protocol-msgpack', 'signalr-protocol-msgpack.js'),
};

/** The origin of an app: an empty page, the published clients, and the folder client. */
export class Site {
  #server = http.createServer((req, res) => this.#answer(new URL(req.url, 'http://site').pathname, res));
  /** Another site than 127.0.0.1, not only another port. */
  url = '';

  static async start() {
    const site = new Site();
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    site.url = `http://localhost:${site.#server.address().port}`;
    return site;
  }

  async #answer(name, res) {
    try {
      if (name === '/') {
        res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<!doctype html><title>app</title><link rel="icon" href="data:,">');
        return;
      }
      const file = scripts[name] ?? path.join(modules, path.basename(name));
      const text = await readFile(file);
      // Also the page of another origin may load these.
      res.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8', 'Access-Control-Allow-Origin': '*' }).end(text);
    } catch {
      res.writeHead(404).end();
    }
  }

  async close() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
