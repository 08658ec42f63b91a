// What every page needs, in one file: keys, forms, the session. Progressive enhancement only: every page works without.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** True while keys belong to a box, not to the page. */
export const typing = (element) => Boolean(element?.closest?.('input:not([type=radio]):not([type=checkbox]), select, textarea, [contenteditable]'));

/** True when a key arrives with no modifier that gives it to the browser. */
export const bare = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

// ---------------------------------------------------------------- the page
// Keys of every page, focus on problems, the current tab in view, one menu at a time.

const LEAD = 'g';
const PLACES = { w: '/my-work/', s: '/subjects/' };
let leader = false;

const keys = {
  '/': () => $('#jump')?.focus(),
  n: () => $('[data-next-task]')?.click(),
  v: () => $('[data-verify]')?.click(),
  '?': () => $('#shortcuts')?.showModal(),
};

document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
    const form = document.activeElement?.closest('form');
    const button = form && ($('[data-complete]', form) || $('button.btn-primary[type=submit]', form));
    if (button) { event.preventDefault(); form.requestSubmit(button); }
    return;
  }
  if (!bare(event) || typing(event.target) || document.body.hasAttribute('data-no-shortcuts')) return;
  const place = leader && PLACES[event.key];
  if ($('dialog[open]')) return;
  leader = event.key === LEAD;
  if (place) { event.preventDefault(); location.assign(place); return; }
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});

// Problems first: the summary takes the focus when the page brings one, and again when htmx swaps one in.
const focusProblems = (root) => $('[data-error-summary]', root)?.focus();
focusProblems(document);
document.addEventListener('htmx:afterSwap', (event) => focusProblems(event.detail.target));

$('.tabs [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });

// One menu open at a time; Escape closes it and gives the focus back.
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of $$('.topbar details[open]')) { menu.open = false; $('summary', menu).focus(); }
});

// ---------------------------------------------------------------- forms
// Forms: one click sends once, Back sends nothing, date boxes show what they understood.
history.replaceState(0, '');

const GUARD_MS = 1500;
const sent = new WeakMap();

// A second click within a moment is a slip; a later one is a retry and always goes through.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || event.defaultPrevented) return;
  const now = Date.now();
  if (now - (sent.get(form) ?? -Infinity) < GUARD_MS) { event.preventDefault(); return; }
  sent.set(form, now);
  event.submitter?.setAttribute('aria-busy', 'true');
  setTimeout(() => event.submitter?.removeAttribute('aria-busy'), GUARD_MS);
});
addEventListener('pageshow', () => $$('[aria-busy]').forEach((button) => button.removeAttribute('aria-busy')));

// ---- date boxes: 12mar, 12 mar 26, 12-Mar-2026, 2026-03-12, t, y, v, -3, +1
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const DAY_MS = 86400000;
const make = (year, month, day) => {
  const made = new Date(Date.UTC(year, month, day));
  return made.getUTCMonth() === month && made.getUTCDate() === day ? made : null;
};
const iso = (text) => { const m = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? ''); return m ? make(+m[1], m[2] - 1, +m[3]) : null; };
const today = (box) => { const now = new Date(); return iso(box.dataset.today) ?? make(now.getFullYear(), now.getMonth(), now.getDate()); };
const shift = (date, days) => new Date(date.getTime() + days * DAY_MS);

export const readDate = (raw, box) => {
  const text = raw.trim().toLowerCase();
  if (text === 't') return today(box);
  if (text === 'y') return shift(today(box), -1);
  if (text === 'v') return iso(box.dataset.visit);
  if (/^[+-]\d{1,3}$/.test(text)) return shift(today(box), Number(text));
  const m = /^(\d{1,2})[\s.-]*([a-z]{3})[a-z]*[\s.-]*(\d{4}|\d{2})?$/.exec(text);
  if (!m) return iso(text);
  const month = MONTHS.indexOf(m[2]);
  const year = m[3] ? Number(m[3].length === 2 ? `20${m[3]}` : m[3]) : today(box).getUTCFullYear();
  return month < 0 ? null : make(year, month, Number(m[1]));
};

// Figures that can be two days: nothing is guessed, the person presses the day that was meant.
const twoReadings = (raw) => {
  const m = /^(\d{1,2})[/.](\d{1,2})[/.](\d{4})$/.exec(raw.trim());
  const days = m ? [make(+m[3], m[2] - 1, +m[1]), make(+m[3], m[1] - 1, +m[2])].filter(Boolean) : [];
  return days.length === 2 && days[0] - days[1] === 0 ? [days[0]] : days;
};

const capital = (word) => word[0].toUpperCase() + word.slice(1);
export const writeDate = (date) => `${date.getUTCDate()} ${capital(MONTHS[date.getUTCMonth()])} ${date.getUTCFullYear()}`;

const ask = (box, days) => {
  const old = $(`[data-asks="${box.id}"]`) ?? $(`[data-means="${box.id}"]`)?.closest('.choose-day');
  old?.remove();
  if (days.length < 2) return;
  const place = document.createElement('span');
  place.className = 'choose-day small';
  place.dataset.asks = box.id;
  place.append('Did you mean ', ...days.flatMap((day, at) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'btn btn-quiet btn-sm', textContent: writeDate(day) });
    button.dataset.means = box.id;
    return at ? [' or ', button] : [button];
  }), '?');
  box.after(place);
};
document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-means]');
  const box = button && document.getElementById(button.dataset.means);
  if (!box) return;
  event.preventDefault();
  box.value = button.textContent.trim();
  box.dispatchEvent(new Event('change', { bubbles: true }));
  ask(box, []);
  echo(box, readDate(box.value, box));
  box.focus();
});

const echo = (box, date) => {
  let place = $(`[data-echo="${box.id}"]`);
  if (!place) {
    place = document.createElement('span');
    place.className = 'hint xs echo';
    place.dataset.echo = box.id;
    box.after(place);
  }
  const words = date ? [WEEKDAYS[date.getUTCDay()]] : [];
  const first = iso(box.dataset.day1);
  if (date && first) {
    const passed = Math.round((date - first) / DAY_MS);
    words.push(`day ${passed < 0 ? `−${-passed}` : passed + 1}`);
  }
  const [opens, closes] = [iso(box.dataset.opens), iso(box.dataset.closes)];
  if (date && opens && closes) {
    const off = date < opens ? opens - date : date > closes ? date - closes : 0;
    const days = Math.round(off / DAY_MS);
    words.push(days ? `${days} ${days === 1 ? 'day' : 'days'} ${date < opens ? 'before' : 'after'} the window` : 'in the window');
  }
  if (date && date > today(box)) words.push('in the future: check the year');
  place.textContent = words.join(', ');
};

// While a button is being pressed nothing moves, or the press would miss it: the echo waits for the release.
let pressed = false;
addEventListener('pointerdown', () => { pressed = true; }, true);
addEventListener('pointerup', () => { pressed = false; }, true);

document.addEventListener('focusout', (event) => {
  const box = event.target;
  if (!box.matches?.('input[data-date]')) return;
  const days = twoReadings(box.value);
  const date = days.length === 1 ? days[0] : readDate(box.value, box);
  if (date) box.value = writeDate(date);
  if (!event.relatedTarget?.matches?.('[data-means]')) ask(box, days);
  if (pressed) addEventListener('pointerup', () => setTimeout(echo, 0, box, date), { once: true });
  else echo(box, date);
});

// ---------------------------------------------------------------- the session
// The session: a note five minutes before it ends, and a sign-in in place when it has ended. Nothing typed is lost.

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
