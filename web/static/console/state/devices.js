import { ago, plural } from './format.js';

/**
 * A device in words.
 * @param {{device: string, online: boolean, connections: number, cursor: string|null, lag: number|null,
 *   lastSeen: number|null}} device as GET …/devices has it
 * @param {{epoch: string, now: number}} log epoch of the log; now in the server's time
 */
export function describeDevice({ device, online, connections, cursor, lag, lastSeen }, { epoch, now }) {
  return {
    name: device,
    state: online ? 'online' : 'offline',
    connections: online ? plural(connections, 'connection') : 'offline',
    cursor: cursor ?? 'nothing confirmed',
    cursorKnown: cursor !== null,
    lag: lagWords(cursor, lag, epoch),
    behind: lag === null ? 'unknown' : lag === 0 ? 'none' : 'some',
    lastSeen: online ? 'now' : lastSeen === null ? 'not remembered' : ago(now - lastSeen),
    lastSeenAt: lastSeen,
  };
}

function lagWords(cursor, lag, epoch) {
  if (lag === 0) return 'up to date';
  if (lag !== null) return `${plural(lag, 'event')} behind`;
  if (cursor !== null && !cursor.startsWith(`${epoch}-`)) return 'of an earlier log';
  return 'not known';
}
