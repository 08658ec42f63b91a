// Drafts: what is typed is kept a moment later, and a lost connection or session loses none of it.
// Without this file the button "Save draft" does the same.
import { $, $$, askToSignIn, isOver, noteActivity } from '../edc.js';

const PAUSE_MS = 800;
const EVERY_MS = 20000;
const RETRY_MS = [5000, 10000, 30000, 60000];
const kept = new Map();

/** What stands in the boxes, without passwords: a draft never holds one. */
const entries = (form) => {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && !$$('input[type=password]', form).some((box) => box.name === name)) body.append(name, value);
  }
  return body;
};

/** One form with its line "Draft saved 09:41". */
class Kept {
  constructor(place) {
    this.form = place.closest('form');
    this.line = $('[data-save-state]', place);
    this.address = place.dataset.draftForm;
    this.lastSent = -Infinity;
    this.savedWords = this.line.textContent;
    this.changed = false;
    this.failures = 0;
    this.sending = null;
    this.leaving = false;
    const typed = (event) => this.typed(event);
    this.form.addEventListener('input', typed);
    this.form.addEventListener('change', typed);
    this.form.addEventListener('submit', (event) => this.submit(event));
    this.form.addEventListener('htmx:beforeRequest', () => this.leave());
    $('[data-draft]', place).addEventListener('click', (event) => { event.preventDefault(); this.save(); });
  }

  say(words) { if (this.line.textContent !== words) this.line.textContent = words; }

  get lost() {
    const time = /\d\d:\d\d$/.exec(this.savedWords)?.[0];
    return `${time ? `Not saved since ${time}.` : 'Not saved.'} Your entries are still here. Trying again.`;
  }

  later(wait) { clearTimeout(this.timer); this.timer = setTimeout(() => this.save(), wait); }

  async save() {
    clearTimeout(this.timer);
    if (this.leaving || this.sending) { if (this.sending) this.later(PAUSE_MS); return; }
    this.changed = false;
    this.lastSent = Date.now();
    this.sending = new AbortController();
    this.say('Saving');
    let answer;
    try {
      answer = await fetch(this.address, {
        method: 'POST', body: entries(this.form), headers: { 'X-Draft': '1' }, credentials: 'same-origin', redirect: 'manual',
        keepalive: true, signal: this.sending.signal,
      });
    } catch { answer = null; }
    this.sending = null;
    if (this.leaving) return;
    if (answer?.ok) {
      this.failures = 0;
      noteActivity();
      this.savedWords = (await answer.json()).words;
      this.say(this.changed ? 'Saving' : this.savedWords);
      return;
    }
    this.changed = true;
    if (answer && (answer.type === 'opaqueredirect' || answer.status === 401 || answer.status === 403)) {
      this.say(this.lost);
      askToSignIn().then(() => this.save());
      return;
    }
    if (answer?.status === 422) { this.say(await answer.text()); return; }
    this.say(this.lost);
    this.later(RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  typed(event) {
    if (!event.target.name || event.target.type === 'password') return;
    this.changed = true;
    if (this.failures) return; // the next attempt is under way and takes everything along
    if (!isOver()) this.say('Saving');
    this.later(Math.max(PAUSE_MS, EVERY_MS - (Date.now() - this.lastSent)));
  }

  /** From here on the form itself carries everything, and a late draft must not come after it. */
  leave() {
    this.leaving = true;
    clearTimeout(this.timer);
    this.sending?.abort();
  }

  submit(event) {
    if (event.defaultPrevented) return;
    if (isOver()) {
      event.preventDefault();
      askToSignIn().then(() => this.form.requestSubmit(event.submitter));
      return;
    }
    this.leave();
  }
}

/** Forms that stand on the page now; called again where one comes later. */
export const keepDrafts = (root = document) => $$('[data-draft-form]', root).forEach((place) => {
  if (!kept.has(place)) kept.set(place, new Kept(place));
});
const standing = () => [...kept.values()].filter((one) => one.form.isConnected);

document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 's') {
    event.preventDefault();
    const here = standing().filter((one) => one.form.contains(document.activeElement));
    (here.length ? here : standing().filter((one) => one.changed || standing().length === 1)).forEach((one) => one.save());
  }
});

// Back to a page that was sent already: it is read anew, so that nothing is typed over what it once showed.
addEventListener('pageshow', (event) => { if (event.persisted && standing().some((one) => one.leaving)) location.reload(); });

// Leaving freely: what is pending goes out with the page. Only what could not be kept is asked about.
addEventListener('beforeunload', (event) => {
  const pending = standing().filter((one) => !one.leaving && one.changed);
  if (pending.some((one) => one.failures) || (pending.length && isOver())) { event.preventDefault(); return; }
  pending.forEach((one) => one.save());
});

keepDrafts();
