/** Wires the live view: session → client → state → views. */
import { HublineClient } from './client/client.js';
import { commands, tokenCommand } from './state/curl.js';
import { over, plural, span } from './state/format.js';
import { explainGap } from './state/gaps.js';
import { Model } from './state/model.js';
import { CurlView } from './view/curl.js';
import { byId, setText, setWords } from './view/dom.js';
import { LineView } from './view/line.js';
import { ProgressView } from './view/progress.js';
import { SignInView } from './view/signin.js';
import { StreamView } from './view/stream.js';
import { StripView } from './view/strip.js';

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * Begins the live view; resolves when it is known whether there is a user.
 * @param {{base: string, session: import('./state/session.js').Session, announce: (text: string, where?: string) => void}} deps
 */
export function beginLive({ base, session, announce }) {
  const model = new Model();
  const streamView = new StreamView(
    {
      list: byId('stream'),
      empty: byId('stream-empty'),
      freeze: byId('freeze'),
      note: byId('events-note'),
      gapNote: byId('gap-note'),
    },
    model.stream,
  );
  const stripView = new StripView(byId('strip'));
  const progressView = new ProgressView({ list: byId('runs'), empty: byId('runs-empty') });
  const curlView = new CurlView();

  const client = new HublineClient({ url: `${base}events`, token: (fresh) => session.token(fresh) });
  const lineView = new LineView({
    onCut: () => client.disconnect(), // also ends the trying
    onResume: (since) => connect(since === undefined ? {} : { since }),
    onTransport: () => {
      // Cut off, the choice only says how to come back.
      if (client.state !== 'offline' && client.state !== 'stopped') connect();
    },
  });
  const signInView = new SignInView({
    onToken(text) {
      const wrong = session.paste(text);
      if (!wrong) enter();
      return wrong;
    },
    onDemo: () => boot(),
  });

  function connect(change = {}) {
    model.connecting(client, Date.now());
    if (change.since !== undefined) model.rewind();
    client.connect({ transport: lineView.transport, ...change });
  }

  client.on('state', (status) => {
    model.state(status, client.cursor, Date.now());
    lineView.setStatus(status, client.cursor);
    tick();
    if (status.state === 'offline') announce('Offline. You cut the connection.');
    if (status.state === 'stopped') announce(`Stopped: ${status.error.message}`);
    if (status.state === 'stopped' && status.error.status === 401) leave(`The server refused the token: ${status.error.message}`);
  });
  client.on('ready', (ready) => {
    model.ready(ready, client.cursor, Date.now());
    announce(`Connected ${over(ready.transport)}.`);
  });
  client.on('event', (received) => model.event(received, Date.now()));
  client.on('gap', (gap) => {
    model.gap(gap, Date.now());
    const { title, why, advice } = explainGap(gap);
    announce(`${title}. ${why} ${advice}`, 'alert');
  });
  client.on('caughtup', (summary) => {
    model.caughtUp(summary, Date.now());
    const { count, tookMs, recovered } = summary;
    announce(`Caught up: ${plural(count, 'event')} in ${span(tookMs)}${recovered ? ', recovered' : ', with a gap'}.`);
  });

  addEventListener('online', () => client.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) client.retryNow();
  });

  byId('who-change').addEventListener('click', () => leave());
  byId('history').addEventListener('click', () => {
    model.clear();
    streamView.clear();
    connect({ since: '0' });
  });

  let drawn = 0;
  /** Everything that counts on by itself or came in since the last frame. */
  function tick() {
    if (document.hidden || byId('console').hidden || byId('live-view').hidden) return;
    const now = Date.now();
    streamView.render();
    progressView.render(...model.runs(now));
    lineView.tick({ now, cursor: client.cursor, ...model.figures(now) });
    // With the figure above, so that both name one cursor.
    curlView.render(commands({ base, user: session.who.user, cursor: client.cursor, here: session.here }));
    // The picture moves; whoever asked for calm gets one step a second.
    if (now - drawn >= (calm.matches ? 1000 : 0)) {
      drawn = now;
      stripView.draw(model.strip, now);
    }
  }
  setInterval(tick, 100);

  /** Shows the console for the session's user and connects. */
  function enter() {
    const { user, note } = session.who;
    signInView.hide();
    byId('console').hidden = false;
    byId('who').hidden = false;
    setText(byId('who-name'), user);
    setText(byId('demo-note'), note);
    model.clear();
    streamView.clear();
    connect({ since: 'latest' });
  }

  /** Back to the sign-in panel. */
  function leave(message) {
    const demoOffered = session.demoOffered;
    session.end();
    client.disconnect();
    byId('console').hidden = true;
    byId('who').hidden = true;
    setText(byId('demo-note'), '');
    signInView.show({ message, demoOffered });
  }

  async function boot() {
    try {
      const known = await session.begin();
      const command = tokenCommand('alice', session.here);
      byId('sign-in-how').hidden = command === null;
      if (command !== null) setWords(byId('sign-in-command'), command);
      if (known) enter();
      else signInView.show();
    } catch (err) {
      signInView.show({ message: `The server cannot be reached: ${err.message}` });
    }
  }

  return boot();
}
