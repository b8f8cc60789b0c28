// What the scenes with the hubs of a Go program share.
import { within } from './support.js';

/** A client that is not started yet. who is the name that it goes by. */
export function client(world, form, { who, path = '/hub', targets = ['heard'], ...more } = {}) {
  return world.client(who ? { token: who } : {}, form, { path, targets, ...more });
}

export function connect(world, form, more) {
  return within(client(world, form, more).start(), 'end of start');
}

export const invoke = (hub, ...args) => within(hub.invoke(...args), `answer to ${args[0]}`);

/** All items of a stream, once it is complete. */
export async function itemsOf(hub, ...args) {
  const { items, end } = observe(hub.stream(...args));
  await within(end, `end of stream ${args[0]}`);
  return items;
}

/** Items as they come; end resolves, or is rejected, with the stream. */
export function observe(stream, watch = () => {}) {
  const items = [];
  let subscription;
  const end = new Promise((complete, error) => {
    subscription = stream.subscribe({ next: (item) => { items.push(item); watch(item); }, complete, error });
  });
  end.catch(() => {}); // whoever wants to know asks
  return { items, end, dispose: () => subscription.dispose() };
}

let keys = 0;

/** A name that nothing else has, for groups, users and notes. */
export function unique(prefix = 'key') {
  return `${prefix} ${Date.now().toString(36)} ${Math.random().toString(36).slice(2)} ${++keys}`;
}

/** Fails if the clients of this world have logged an error. */
export function quiet(world) {
  const lines = world.log.filter((line) => /^(Error|Critical)/.test(line));
  if (lines.length) throw new Error(`the clients logged: ${lines.join('\n')}`);
}
