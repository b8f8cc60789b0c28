// The entry of a page: signalr.js and signalr-protocol-msgpack.js have been
// loaded as scripts, and ask has been given to the page by the tests.
import { play } from './play.js';

export function playHere(url, name, ...args) {
  const { signalR } = globalThis;
  const { MessagePackHubProtocol } = signalR.protocols.msgpack;
  return play({ signalR, MessagePackHubProtocol, url, ask: (...asked) => globalThis.ask(asked) }, name, ...args);
}
