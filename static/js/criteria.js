// Eligibility: Y, N and A give the first, second and third answer of the question that has the focus.
import { $, $$, bare } from '../edc.js';

const ANSWERS = { y: 0, n: 1, a: 2 };

$('[data-criteria]').addEventListener('keydown', (event) => {
  const row = event.target.closest('[data-question]') ?? event.target.closest('tr');
  const radio = row && bare(event) && $$('input[type=radio]', row)[ANSWERS[event.key.toLowerCase()]];
  if (!radio) return;
  event.preventDefault();
  radio.checked = true;
  radio.focus();
  row.closest('tr').classList.remove('todo');
});

// The filter hides rows where they are: what was typed and not saved stays.
document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-criteria-filter] a');
  if (!link) return;
  event.preventDefault();
  const onlyOpen = link.href.endsWith('unanswered');
  const rows = $$('[data-criteria] > tr');
  for (const row of rows) row.hidden = onlyOpen && !row.hasAttribute('data-open');
  $('[data-criteria]').closest('table').hidden = rows.every((row) => row.hidden);
  for (const one of $$('[data-criteria-filter] a')) one.toggleAttribute('aria-current', one === link);
  link.setAttribute('aria-current', 'true');
});
