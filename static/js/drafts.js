// Drafts: what is typed is kept a moment later, and a lost connection or session loses none of it.
// Without this file the button "Save draft" does the same.
import { $, $$ } from './dom.js';
import { askToSignIn, isOver, noteActivity } from './session.js';

const PAUSE_MS = 800;
const EVERY_MS = 20000;
const RETRY_MS = [5000, 10000, 30000, 60000];

const place = $('[data-draft-form]');
const form = place.closest('form');
const line = $('[data-save-state]', place);
const address = place.dataset.draftForm;

let timer;
let lastSent = -Infinity;
let savedWords = line.textContent;
let changed = false;
let failures = 0;
let sending = null;
let leaving = false;

const say = (words) => { if (line.textContent !== words) line.textContent = words; };
const time = () => /\d\d:\d\d$/.exec(savedWords)?.[0];
const lost = () => `${time() ? `Not saved since ${time()}.` : 'Not saved.'} Your entries are still here. Trying again.`;

/** What stands in the boxes, without passwords: a draft never holds one. */
const entries = () => {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && !$$('input[type=password]', form).some((box) => box.name === name)) body.append(name, value);
  }
  return body;
};

const later = (wait) => { clearTimeout(timer); timer = setTimeout(save, wait); };

async function save() {
  clearTimeout(timer);
  if (leaving || sending) { if (sending) later(PAUSE_MS); return; }
  changed = false;
  lastSent = Date.now();
  sending = new AbortController();
  say('Saving');
  let answer;
  try {
    answer = await fetch(address, {
      method: 'POST', body: entries(), headers: { 'X-Draft': '1' }, credentials: 'same-origin', redirect: 'manual',
      keepalive: true, signal: sending.signal,
    });
  } catch { answer = null; }
  sending = null;
  if (leaving) return;
  if (answer?.ok) {
    failures = 0;
    noteActivity();
    savedWords = (await answer.json()).words;
    say(changed ? 'Saving' : savedWords);
    return;
  }
  changed = true;
  if (answer && (answer.type === 'opaqueredirect' || answer.status === 401 || answer.status === 403)) {
    say(lost());
    askToSignIn().then(save);
    return;
  }
  if (answer?.status === 422) { say(await answer.text()); return; }
  say(lost());
  later(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  failures += 1;
}

const typed = (event) => {
  if (!event.target.name || event.target.type === 'password') return;
  changed = true;
  if (failures) return; // the next attempt is under way and takes everything along
  if (!isOver()) say('Saving');
  later(Math.max(PAUSE_MS, EVERY_MS - (Date.now() - lastSent)));
};
form.addEventListener('input', typed);
form.addEventListener('change', typed);

document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 's') {
    event.preventDefault();
    save();
  }
});

const button = $('[data-draft]', place);
button.addEventListener('click', (event) => { event.preventDefault(); save(); });

// From here on the form itself carries everything, and a late draft must not come after it.
form.addEventListener('submit', (event) => {
  if (event.defaultPrevented) return;
  if (isOver()) {
    event.preventDefault();
    askToSignIn().then(() => form.requestSubmit(event.submitter));
    return;
  }
  leaving = true;
  clearTimeout(timer);
  sending?.abort();
});
// Back to a page that was sent already: it is read anew, so that nothing is typed over what it once showed.
addEventListener('pageshow', (event) => { if (event.persisted && leaving) location.reload(); });

// Leaving freely: what is pending goes out with the page. Only what could not be kept is asked about.
addEventListener('beforeunload', (event) => {
  if (leaving || !changed) return;
  if (failures || isOver()) { event.preventDefault(); return; }
  save();
});
