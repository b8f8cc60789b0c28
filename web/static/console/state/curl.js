// Where the command line looks without --server.
const defaultServer = 'http://127.0.0.1:8080/';

/**
 * Commands to repeat in a terminal what the page does, each on one line.
 * @param {{base: string, user: string, cursor: string|null, here?: import('./session.js').Here}} page
 *   base: URL of the page with a slash at the end; here: what the server says of itself
 * @returns {{title: string, note: string, command: string}[]}
 */
export function commands({ base, user, cursor, here = {} }) {
  const bearer = (name) => `-H "Authorization: Bearer $${name}"`;
  const server = base === defaultServer ? '' : ` --server ${quote(base.replace(/\/$/, ''))}`;
  const publishURL = `${base}api/v1/users/${encodeURIComponent(user)}/events`;
  return [
    {
      title: 'Token and key',
      note: 'Once, in the directory that the server runs in.',
      command: `TOKEN=${tokenOf(user, here)}\nAPI_KEY=${keyOf(here)}`,
    },
    {
      title: 'Subscribe',
      note: 'Server-Sent Events; leave it running.',
      command: `curl -N ${bearer('TOKEN')} ${quote(`${base}events`)}`,
    },
    {
      title: 'Publish',
      note: `To ${user}. Watch it arrive above.`,
      command: `curl ${bearer('API_KEY')} -d '{"type":"hello","data":{"from":"curl"}}' ${quote(publishURL)}`,
    },
    {
      title: 'Resume',
      note: cursor ? 'Everything after the cursor reached here.' : 'Everything that is kept.',
      command: `curl -N ${bearer('TOKEN')} ${quote(`${base}events?since=${encodeURIComponent(cursor ?? '0')}`)}`,
    },
    {
      title: 'Publish by CLI',
      note: 'The same without curl.',
      command: `${quote(here.program ?? 'hubline')} publish${server} --api-key "$API_KEY" --user ${quote(user)} --type hello --data '{"from":"cli"}'`,
    },
  ];
}

/** The command that makes a token for a user, as it works beside the server. */
export function tokenCommand(user, here = {}) {
  if (here.local && !here.token) return null;
  return `${here.token ?? 'hubline token'} --user ${quote(user)}`;
}

function tokenOf(user, here) {
  const command = tokenCommand(user, here);
  return command === null ? quote(`a token for ${user}`) : `$(${command})`;
}

function keyOf({ local, keyFile }) {
  return local && !keyFile ? "'a key of yours'" : `$(cat ${quote(keyFile ?? 'hubline-data/api-key')})`;
}

/** A word for a POSIX shell: as it is if plain, else in single quotes. */
export function quote(text) {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
