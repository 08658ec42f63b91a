// The session: a note five minutes before it ends, and a sign-in in place when it has ended. Nothing typed is lost.
import { $, $$ } from './dom.js';

const PEEK = '/accounts/session/';
const SIGN_IN = '/accounts/sign-in/';
const NOTE_MINUTES = 5;
const note = $('#session-note');
const limit = Number(document.body.dataset.idleMinutes);
const person = document.body.dataset.person;
const others = 'BroadcastChannel' in window ? new BroadcastChannel('session') : null;

let warning;
let ending;
let over = false;
let asked = null;

/** True once the session is known to have ended and nobody has signed in again. */
export const isOver = () => over;

const watch = () => {
  if (!note || !limit) return;
  note.hidden = true;
  clearTimeout(warning);
  clearTimeout(ending);
  warning = setTimeout(() => { note.hidden = false; }, Math.max(limit - NOTE_MINUTES, 0) * 60000);
  ending = setTimeout(look, limit * 60000 + 1000);
};

/** The server has just seen this person: all windows count from now. */
export const noteActivity = () => { watch(); others?.postMessage('active'); };

const peek = async (options = {}) => {
  const answer = await fetch(PEEK, { credentials: 'same-origin', ...options }).catch(() => null);
  return answer?.ok ? answer.json() : null;
};

/** Forms of a page that outlived its session get the token of the new one. */
const renew = (token) => $$('input[name=csrfmiddlewaretoken]').forEach((box) => { box.value = token; });

async function look() {
  const found = await peek();
  if (!found) { ending = setTimeout(look, 30000); return; }
  if (String(found.person ?? '') === person) { watch(); return; }
  askToSignIn();
}

/** Resolves when the same person is signed in again; the page and everything on it stay as they are. */
export function askToSignIn() {
  if (asked) return asked;
  over = true;
  if (note) note.hidden = true;
  asked = new Promise((resolve) => open(resolve)).then(() => { asked = null; over = false; noteActivity(); });
  return asked;
}

async function open(resolve) {
  const now = await peek();
  if (now && String(now.person ?? '') === person) { renew(now.csrf); resolve(); return; }
  const dialog = $('#sign-in-again').content.cloneNode(true).querySelector('dialog');
  document.body.append(dialog);
  const form = $('form', dialog);
  const words = $('[data-words]', dialog);
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    event.stopPropagation();
    words.textContent = await signIn(form);
    if (!words.textContent) { dialog.close(); dialog.remove(); resolve(); } // closing gives the focus back
  });
  dialog.showModal();
}

/** Empty when it worked, else what to say. */
async function signIn(form) {
  const before = await peek();
  if (!before) return 'There is no connection. Your entries are still here. Try again.';
  const body = new URLSearchParams(new FormData(form));
  body.set('csrfmiddlewaretoken', before.csrf);
  const answer = await fetch(SIGN_IN, { method: 'POST', body, credentials: 'same-origin', redirect: 'manual' }).catch(() => null);
  if (!answer) return 'There is no connection. Your entries are still here. Try again.';
  if (answer.status === 429) return 'Too many attempts. Wait five minutes, then try again.';
  if (answer.type !== 'opaqueredirect' && !answer.redirected) return 'User name, password or code is not right.';
  const after = await peek();
  if (!after || after.person === null) return 'User name, password or code is not right.';
  if (String(after.person) !== person) { location.reload(); return 'This page was opened by another person.'; }
  renew(after.csrf);
  return '';
}

if (note) {
  watch();
  others?.postMessage('active');
  others?.addEventListener('message', watch);
  document.addEventListener('htmx:afterRequest', noteActivity);
  $('[data-stay]', note).addEventListener('click', async () => {
    const token = (await peek())?.csrf;
    const found = token && await peek({ method: 'POST', headers: { 'X-CSRFToken': token } });
    if (found && String(found.person ?? '') === person) noteActivity();
    else askToSignIn();
  });
}
