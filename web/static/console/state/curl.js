// Where the command line looks without --server.
const defaultServer = 'http://127.0.0.1:8080/';

/**
 * Commands to repeat in a terminal what the page does.
 * @param {{base: string, user: string, cursor: string|null}} here base: URL of the page with a slash at the end
 * @returns {{title: string, note: string, command: string}[]}
 */
export function commands({ base, user, cursor }) {
  const bearer = (name) => `-H "Authorization: Bearer $${name}"`;
  const server = base === defaultServer ? '' : ` --server ${quote(base.replace(/\/$/, ''))}`;
  const publishURL = `${base}api/v1/users/${encodeURIComponent(user)}/events`;
  return [
    {
      title: 'Token and key',
      note: 'Once, beside the server’s data directory.',
      command: `TOKEN=$(hubline token --user ${quote(user)})\nAPI_KEY=$(cat hubline-data/api-key)`,
    },
    {
      title: 'Subscribe',
      note: 'Server-Sent Events; leave it running.',
      command: `curl -N \\\n  ${bearer('TOKEN')} \\\n  ${quote(`${base}events`)}`,
    },
    {
      title: 'Publish',
      note: `To ${user}. Watch it arrive above.`,
      command:
        `curl \\\n  ${bearer('API_KEY')} \\\n  -H 'Content-Type: application/json' \\\n` +
        `  -d '{"type":"hello","data":{"from":"curl"}}' \\\n  ${quote(publishURL)}`,
    },
    {
      title: 'Resume',
      note: cursor ? 'Everything after the cursor reached here.' : 'Everything that is kept.',
      command: `curl -N \\\n  ${bearer('TOKEN')} \\\n  ${quote(`${base}events?since=${encodeURIComponent(cursor ?? '0')}`)}`,
    },
    {
      title: 'Publish by CLI',
      note: 'The same without curl.',
      command: `hubline publish${server} --user ${quote(user)} \\\n  --type hello --data '{"from":"cli"}'`,
    },
  ];
}

/** A word for a POSIX shell: as it is if plain, else in single quotes. */
export function quote(text) {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
