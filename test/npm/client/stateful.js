// Stateful reconnect: sockets are lost, connections are not.
import { connect, quiet } from './gohub.js';
import { equal, within } from './support.js';

const calls = 300;
const cuts = 3; // take-overs of one connection are few

/** The line is cut under load: nothing is lost, doubled or reordered, and nobody notices. */
export async function survivesCuts(world, form) {
  const it = await connect(world, form, { path: '/stateful', stateful: true, retry: [0] });
  let noticed = 0;
  it.hub.onreconnecting(() => noticed++);
  it.hub.onclose(() => noticed++);
  const { connectionId } = it.hub;
  const answers = [];
  const pending = [];
  for (let i = 0; i < calls; i++) {
    pending.push(it.hub.invoke('Echo', i).then((n) => answers.push(n)));
    pending.push(it.hub.send('ToCaller', i));
    if (i % 10 === 9) await within(Promise.all(pending.slice(-20, -10)), 'some answers');
    if (i % Math.ceil(calls / (cuts + 1)) === 50) await world.ask('snap');
  }
  await within(Promise.all(pending), 'all answers');
  const all = Array.from({ length: calls }, (_, i) => i);
  equal(answers, all, 'answers');
  equal((await it.inbox.take(calls)).map(([n]) => n), all, 'messages');
  equal([it.hub.connectionId, noticed], [connectionId, 0], 'connection id, and what the program noticed');
  quiet(world);
}
