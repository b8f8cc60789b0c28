/**
 * Native events over a WebSocket: one JSON envelope per text frame.
 *
 * A carrier is a function that opens one connection and returns its close().
 * It calls onMessage for every envelope and control message, and onDown at most
 * once, never after close() and never before it has returned.
 */

// A browser does not show protocol pings to the page, so after a while without
// anything the carrier asks by itself. Data resets the timer, so a hidden tab with
// slow timers asks late but never declares a living connection dead.
const idleMs = 20_000;
const pongTimeoutMs = 10_000;

/** @type {import('./client.js').Carrier} */
export function openWebSocket({ url, query, ticket, env, onMessage, onDown }) {
  const target = new URL(url);
  target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:';
  target.search = new URLSearchParams({ ...query, control: '1', id: ticket });

  const socket = new env.WebSocket(target.href);
  let timer;
  let closed = false;

  function close() {
    closed = true;
    env.clearTimeout(timer);
    socket.close();
  }

  function down(message) {
    if (closed) return;
    close();
    onDown(new Error(message));
  }

  function alive() {
    env.clearTimeout(timer);
    timer = env.setTimeout(() => {
      socket.send('{"type":"ping"}');
      timer = env.setTimeout(() => down('the WebSocket went silent'), pongTimeoutMs);
    }, idleMs);
  }

  socket.onopen = () => {
    if (!closed) alive();
  };
  socket.onmessage = (frame) => {
    if (closed) return;
    alive();
    let message;
    try {
      message = JSON.parse(frame.data);
    } catch {
      down('the server sent a frame that is not JSON');
      return;
    }
    if (message?.type !== 'pong') onMessage(message);
  };
  socket.onerror = () => down('the WebSocket could not be opened or broke');
  socket.onclose = (event) => {
    down(event.reason || `the WebSocket was closed (code ${event.code})`);
  };
  return { close };
}
