// Eligibility: Y, N and A give the first, second and third answer of the question that has the focus.
import { $, $$, bare } from './dom.js';

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
