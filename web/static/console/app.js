/** The page: which of its views is shown, and what they share. */
import { Admin } from './admin.js';
import { beginLive } from './live.js';
import { Session } from './state/session.js';
import { byId, copyFrom, setText } from './view/dom.js';

// The page's own folder: under a base path, everything is relative to it.
const base = new URL('.', document.baseURI).href;

const session = new Session({ base, fetch: (...args) => fetch(...args), storage: sessionStorage });

/** Tells people who do not look; an alert interrupts, the rest waits its turn. */
function announce(text, where = 'announce') {
  setText(byId(where), text);
}

const admin = new Admin({
  base, announce,
  fetch: (...args) => fetch(...args),
  storage: sessionStorage,
  here: () => session.look(),
  onUser: (user) => history.replaceState(null, '', `#admin/${encodeURIComponent(user)}`),
});

/** Shows the view that the address names: #live or #admin, with a user after a slash. */
function route() {
  const [name, user] = location.hash.slice(1).split('/');
  // Another hash is a place in the view that is shown.
  if (name !== 'admin' && name !== 'live' && name !== '') return;
  const isAdmin = name === 'admin';
  document.body.dataset.view = isAdmin ? 'admin' : 'live';
  byId('live-view').hidden = isAdmin;
  byId('skip').setAttribute('href', isAdmin ? '#log-title' : '#events-title');
  setText(byId('skip'), isAdmin ? 'Skip to the log' : 'Skip to the events');
  for (const [id, on] of [['nav-live', !isAdmin], ['nav-admin', isAdmin]]) {
    if (on) byId(id).setAttribute('aria-current', 'page');
    else byId(id).removeAttribute('aria-current');
  }
  if (!isAdmin) {
    admin.leave();
    return;
  }
  byId('admin-view').hidden = false;
  // Whom the live view shows is whom people mean who name nobody.
  live.then(() => {
    if (document.body.dataset.view === 'admin') admin.enter(userIn(user) || session.who?.user || '');
  });
}

function userIn(text) {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    return ''; // no address of ours
  }
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.addEventListener('click', () => copyFrom(button, byId(button.dataset.copy).textContent));
}
addEventListener('hashchange', route);
const live = beginLive({ base, session, announce });
route();
