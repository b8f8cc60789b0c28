import { connect, invoke, unique } from './gohub.js';
import { range } from './samples.js';
import { equal, matches, refusal, within } from './support.js';

const failed = (name, text) => `An unexpected error occurred invoking '${name}' on the server. HubException: ${text}`;

/** The server calls the client, and gets its answer. */
export async function givesResults(world, form) {
  const { hub } = await connect(world, form);
  const value = { text: 'Größe 🚀', list: [1, null, 2.5], deeper: { yes: true } };
  hub.on('value', (question, id) => ({ question, id, ...value }));
  equal(await invoke(hub, 'Ask', 'value'), { question: 'question', id: hub.connectionId, ...value }, 'object');
  for (const [i, answer] of [0, '', false, null, 'text', 4294967296, [1, 2]].entries()) {
    hub.on(`plain${i}`, async () => answer);
    equal(await invoke(hub, 'Ask', `PLAIN${i}`), answer, 'value');
  }
  hub.on('number', () => 42);
  equal(await invoke(hub, 'AskNumber', 'number'), 42, 'number');

  // Twenty at once, since who asks a client gives its turn away; they are answered backwards.
  const asked = [];
  hub.on('slow', () => new Promise((resolve) => {
    const i = asked.length;
    asked.push(() => resolve(`answer ${i}`));
    if (asked.length === 20) for (const answer of asked.reverse()) answer();
  }));
  const { hub: other } = await connect(world, form);
  const answers = range(20).map(() => invoke(other, 'AskOther', hub.connectionId, 'slow'));
  equal((await Promise.all(answers)).sort(), range(20).map((i) => `answer ${i}`).sort(), 'answers');
}

/** What the hub is told by a client that has no answer. */
export async function failsToGiveResults(world, form) {
  const { hub } = await connect(world, form);
  hub.on('throws', () => { throw new Error('from callback'); });
  hub.on('rejects', async () => { throw 'a text'; });
  hub.on('silent', () => {});
  for (const answer of [1, 2]) hub.on('two', () => answer);
  hub.on('wrong', () => 'not a number');
  const none = "Client didn't provide a result.";
  const cases = { throws: 'Error: from callback', rejects: 'a text', silent: none, nobody: none, two: 'Client provided multiple results.' };
  for (const [target, text] of Object.entries(cases)) {
    equal(await refusal(hub.invoke('Ask', target), 'Ask'), failed('Ask', text), target);
  }
  // What is wrong with the type is not for clients to know.
  equal(await refusal(hub.invoke('AskNumber', 'wrong'), 'AskNumber'), "An unexpected error occurred invoking 'AskNumber' on the server.", 'wrong');
  const { hub: detailed } = await connect(world, form, { path: '/detailed' });
  detailed.on('wrong', () => 'not a number');
  matches(await refusal(detailed.invoke('AskNumber', 'wrong'), 'AskNumber'), /^An unexpected error occurred invoking 'AskNumber' on the server\. Exception: ./, 'wrong');
}

/** While a method waits for its client, the client may call others. */
export async function asksWhileAsked(world, form) {
  const { hub } = await connect(world, form);
  const key = unique();
  let done;
  const answer = new Promise((resolve) => (done = resolve));
  hub.on('think', () => answer);
  const asked = invoke(hub, 'Ask', 'think');
  const behind = invoke(hub, 'Echo', 'behind');
  equal(await behind, 'behind', 'the call behind the one that waits');
  await invoke(hub, 'Note', key, 'noted');
  equal(await invoke(hub, 'Noted', key), 'noted', 'note');
  done('thought');
  equal(await asked, 'thought', 'answer');
}

/** Another connection is asked: it answers, it is unknown, or it goes. */
export async function asksOthers(world, form) {
  const { hub } = await connect(world, form);
  const other = await connect(world, form);
  const { connectionId } = other.hub;
  other.hub.on('who', (id) => `asked by ${id}`);
  equal(await invoke(hub, 'AskOther', connectionId, 'who'), `asked by ${hub.connectionId}`, 'answer');
  equal(await refusal(hub.invoke('AskOther', connectionId, 'nobody'), 'AskOther'), failed('AskOther', "Client didn't provide a result."), 'error');
  equal(await invoke(hub, 'AskOther', 'nobody', 'who'), 'not answered', 'answer of nobody');

  let asked;
  const arrived = new Promise((resolve) => (asked = resolve));
  other.hub.on('think', () => { asked(); return new Promise(() => {}); });
  const lost = invoke(hub, 'AskOther', connectionId, 'think');
  await within(arrived, 'question');
  await within(other.hub.stop(), 'end of stop');
  equal(await lost, 'not answered', 'answer of one who has gone');
}
