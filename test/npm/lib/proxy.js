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
  url = '';

  static async to(target) {
    const wire = new Wire();
    const { hostname, port } = new URL(target);
    wire.#server = net.createServer((near) => {
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

  /** Ends every connection without a word. New ones get through. */
  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close() {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}

/** A proxy in the way: refuses upgrades, and collects a stream of events until it gives up. */
export class Obstacle {
  #server;
  #collectsEvents;
  #target;
  url = '';

  /** @param {{collectsEvents?: boolean}} ways */
  static async before(target, { collectsEvents = false } = {}) {
    const obstacle = new Obstacle();
    obstacle.#target = target;
    obstacle.#collectsEvents = collectsEvents;
    obstacle.#server = http.createServer((req, res) => obstacle.#forward(req, res));
    obstacle.#server.on('upgrade', (_req, socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    obstacle.url = await listen(obstacle.#server);
    return obstacle;
  }

  #forward(req, res) {
    // The server compares the origin with the host that was asked for.
    const onward = http.request(this.#target + req.url, { method: req.method, headers: req.headers, agent: false });
    onward.on('error', () => res.destroy());
    onward.on('response', (answer) => {
      answer.on('error', () => res.destroy());
      if (this.#collectsEvents && answer.headers['content-type']?.startsWith('text/event-stream')) {
        // What such a proxy does when its patience with the server is at an end.
        answer.destroy();
        res.writeHead(504, { 'Access-Control-Allow-Origin': '*' }).end();
        return;
      }
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
