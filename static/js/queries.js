// Queries beside their fields: a bubble at each field that is asked about, and the panel that opens at it.
// Without this file the same links stand above the form.
import { $, $$ } from '../edc.js';

const place = $('#query-panel');
const field = (item) => item && ($(`[data-row="${CSS.escape(item)}"]`) || $(`#div_id_${CSS.escape(item)}`));

const show = (item, scroll) => {
  place.parentElement.parentElement.classList.add('open');
  $$('.asked').forEach((one) => one.classList.remove('asked'));
  const row = field(item);
  row?.classList.add('asked');
  // On a small screen the panel stands above the form, and stays in view.
  if (row && scroll && matchMedia('(min-width: 60rem)').matches) row.scrollIntoView({ block: 'center' });
};

for (const mark of $$('[data-query-mark]')) {
  const row = field(mark.dataset.item);
  if (!row) continue;
  const bubble = document.createElement('button');
  bubble.type = 'button';
  bubble.className = 'at-field';
  bubble.setAttribute('aria-label', mark.innerText.trim());
  bubble.append($('svg', mark).cloneNode(true));
  bubble.addEventListener('click', () => mark.click());
  const label = $('label, legend', row);
  if (label) label.after(bubble); else $('th', row)?.append(bubble);
}

let asked = place.dataset.item;
if (asked !== undefined) show(asked, true);
document.addEventListener('click', (event) => { asked = event.target.closest('[data-query-mark]')?.dataset.item ?? asked; });
document.addEventListener('htmx:afterSwap', (event) => {
  if (event.detail.target !== place) return;
  show(asked, false);
  if ($('[data-draft-form]', place)) import('./drafts.js').then(({ keepDrafts }) => keepDrafts(place));
});
