// Keys of every page, focus on problems, the current tab in view, one menu at a time.
import { $, $$, bare, typing } from './dom.js';

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
