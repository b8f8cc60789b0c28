import { createRequire } from 'node:module';

// A client by other hands than the protocol's authors (npm: ngx-signalr-websocket): WebSockets and JSON, version 0
// of the negotiation, its token in each query, calls sent behind the handshake without waiting for its answer, no
// ping but as an answer to ours. It is written for browsers, and needs two of their globals.
const require = createRequire(import.meta.url);
globalThis.window ??= { location: { href: 'http://127.0.0.1/' } };
globalThis.WebSocket ??= require('ws');

export const { DefaultHttpPostClient, SignalrClient } = require('ngx-signalr-websocket');
export const { firstValueFrom, take, toArray } = require('rxjs');
