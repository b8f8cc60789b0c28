import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

/** A wire that can be cut: passes bytes on to a server. */
export class Wire {
  #server;
  #sockets = new Set();
  #isCut = false;
  url = '';

  static async to(target) {
    const wire = new Wire();
    const { hostname, port } = new URL(target);
    wire.#server = net.createServer((near) => {
      if (wire.#isCut) {
        near.resetAndDestroy();
        return;
      }
      const far = net.connect(Number(port), hostname);
      for (const [socket, other] of [[near, far], [far, near]]) {
        wire.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {}); // 'close' follows
        socket.on('close', () => {
          wire.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    wire.url = await listen(wire.#server);
    return wire;
  }

  /** Ends every connection without a word, and new ones at once until mend. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends every connection without a word; new ones pass. */
  snap() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend() {
    this.#isCut = false;
  }

  async close() {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}

/** A proxy in the way: refuses upgrades, and event streams if told to. */
export class Obstacle {
  #server;
  #target;
  #refusesEvents;
  url = '';

  /** @param {{refusesEvents?: boolean}} ways */
  static async before(target, { refusesEvents = false } = {}) {
    const obstacle = new Obstacle();
    obstacle.#target = target;
    obstacle.#refusesEvents = refusesEvents;
    obstacle.#server = http.createServer((req, res) => obstacle.#forward(req, res));
    obstacle.#server.on('upgrade', (_req, socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    obstacle.url = await listen(obstacle.#server);
    return obstacle;
  }

  #forward(req, res) {
    if (this.#refusesEvents && req.headers.accept === 'text/event-stream') {
      // Not 5xx: the client leaves its EventSource open, which in Node would try for ever.
      res.writeHead(403).end();
      return;
    }
    // The host stays: the server compares the origin with it.
    const onward = http.request(this.#target + req.url, { method: req.method, headers: req.headers, agent: false });
    onward.on('error', () => res.destroy());
    onward.on('response', (answer) => {
      answer.on('error', () => res.destroy());
      res.writeHead(answer.statusCode, answer.statusMessage, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
    });
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  }

  async close() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
