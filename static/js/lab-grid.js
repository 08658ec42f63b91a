// Laboratory grid: Enter moves on, and every figure that can be told from the page follows the typing.
// The server computes all of it again when the panel is saved and is the only authority.
import { $, $$ } from '../edc.js';

const MISSING = { nd: 'Not done', na: 'Not applicable', unk: 'Unknown', pend: 'Pending' };
// Gaps that need a reason; a pending result comes later.
const EXPLAINED = ['nd', 'na', 'unk'];
const BAR = { from: 14, width: 30, least: 3, most: 55 };
const NUMBER = /^[<>]?-?(\d+\.?\d*|\.\d+)$/;

const read = (text) => {
  // A comma is a decimal comma; before three digits it could part thousands, and the server asks.
  const bare = /\d,\d{3}$/.test(text.trim()) ? '' : text.trim().replace(',', '.');
  return NUMBER.test(bare) ? Number(bare.replace(/[<>]/, '')) : NaN;
};
const change = (value, from) => {
  if (from === '' || Number(from) === 0) return '';
  const percent = Math.round(((value - from) / from) * 1000) / 10;
  const sign = percent < 0 ? '−' : percent > 0 ? '+' : '';
  return `${sign}${Math.abs(percent).toFixed(1)}%`;
};

export const judge = (raw, data) => {
  const word = MISSING[raw.trim().toLowerCase()];
  if (!raw.trim()) return { flag: 'n', words: '' };
  if (word) return { flag: 'n', words: word, missing: true };
  const value = read(raw);
  if (Number.isNaN(value)) return { flag: 'h', words: 'Enter a number, or nd, na, unk', wrong: true };
  const high = data.hi !== '' && value > Number(data.hi);
  const low = data.lo !== '' && value < Number(data.lo);
  return { value, flag: high ? 'h' : low ? 'l' : 'n', words: high ? 'High' : low ? 'Low' : '' };
};

const spot = (value, data) => {
  const bottom = data.lo === '' ? 0 : Number(data.lo);
  const x = BAR.from + ((value - bottom) / (Number(data.hi) - bottom)) * BAR.width;
  return Math.min(BAR.most, Math.max(BAR.least, x)).toFixed(1);
};

const grid = $('[data-lab-grid]');
const form = grid.closest('form');
const boxes = () => $$('input.v', grid);

// What a typed number is multiplied by to stand in the unit that is stored; NaN where it cannot be told here.
const factor = (row) => {
  const unit = $('.uu select', row);
  if (!unit || !row.dataset.unit || unit.value === row.dataset.unit) return 1;
  return Number(unit.selectedOptions[0]?.dataset.f ?? NaN);
};
const canonical = (key) => {
  const row = $(`[data-row="${key}"]`, grid);
  const box = row && $('input.v', row);
  return box ? Number((read(box.value) * factor(row)).toPrecision(12)) : NaN;
};

// ---- rows that follow from others
const CALCULATED = {
  ratio: (a, b) => a / b,
  difference: (a, b) => Math.max(0, a - b),
  calcium: (a, b) => a + 0.8 * (4 - b),
  over: (a, b, k) => k / a,
  hundredth: (a, b) => a * b / 100,
};
const spread = (row, found, data = row.dataset) => {
  const known = Number.isFinite(found.value);
  $('[data-flag]', row).className = `flag f-${found.flag}`;
  $('[data-ft]', row).textContent = found.words;
  $('.pt', row)?.setAttribute('cx', known && data.hi !== '' ? spot(found.value, data) : '-9');
  $('[data-db]', row).textContent = known ? change(found.value, data.bl) : '';
  $('[data-dn]', row).textContent = known ? change(found.value, data.nd) : '';
};
const calculate = () => $$('[data-calc]', grid).forEach((row) => {
  const { calc, k, places, formula } = row.dataset;
  const [a, b] = [canonical(row.dataset.a), row.dataset.b ? canonical(row.dataset.b) : 0];
  const value = CALCULATED[calc](a, b, Number(k));
  const known = Number.isFinite(value);
  $('output', row).textContent = known ? value.toFixed(places) : '—';
  $('[data-figures]', row).textContent = known ? formula.replace('{a}', a).replace('{b}', b) : '';
  spread(row, known ? judge(String(value), row.dataset) : { flag: 'n', words: '' });
});

const refresh = (box) => {
  const row = box.closest('tr');
  const times = factor(row);
  const data = Number.isNaN(times) ? { lo: '', hi: '', bl: '', nd: '' } : row.dataset;
  const typed = read(box.value);
  const moved = Number.isNaN(typed) || Number.isNaN(times) || times === 1 ? box.value : String(Number((typed * times).toPrecision(12)));
  const found = judge(moved, data);
  const known = found.value !== undefined;
  box.classList.toggle('is-invalid', Boolean(found.wrong));
  if (found.wrong) box.setAttribute('aria-invalid', 'true'); else box.removeAttribute('aria-invalid');
  spread(row, found, data);
  const reason = $(`[data-reason="${row.dataset.row}"]`, grid);
  if (reason) reason.hidden = !EXPLAINED.includes(box.value.trim().toLowerCase());
  const watched = $(`[data-change-of="${row.dataset.row}"]`);
  if (watched) watched.textContent = known ? change(found.value, data.bl) : '';
  calculate();
};

const count = () => {
  const filled = boxes().filter((box) => box.value.trim()).length;
  const meter = $('[data-meter]', form);
  if (meter) meter.value = filled;
  const words = $('[data-entered]', form);
  if (words) words.textContent = filled;
};

grid.addEventListener('input', (event) => {
  if (!event.target.matches('input.v')) return;
  refresh(event.target);
  count();
});
grid.addEventListener('change', (event) => {
  const box = event.target.matches('.uu select') && $('input.v', event.target.closest('tr'));
  if (box) refresh(box);
});

form.addEventListener('keydown', (event) => {
  const key = event.key.toLowerCase();
  if (event.altKey && key === 'u') {
    event.preventDefault();
    $('.uu select', event.target.closest('tr') ?? grid)?.focus();
  } else if (key === 'enter' && !event.ctrlKey && !event.metaKey && event.target.matches('input.v')) {
    event.preventDefault();
    const all = boxes();
    const next = all[all.indexOf(event.target) + (event.shiftKey ? -1 : 1)];
    if (next) next.select();
    (next ?? $('[data-complete]', form))?.focus();
  }
});
