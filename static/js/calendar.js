// Dosing calendar: arrows move between days; T, M and H fill in the day that is open.
import { $, $$, bare } from '../edc.js';

const STEP = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 7, ArrowUp: -7 };
const STATUS = { t: 'taken', m: 'missed', h: 'held' };

const grid = $('[data-calendar]');
const days = $$('a.day', grid);
const form = $('[data-dose-form]');
const chosen = days.find((day) => day.hasAttribute('aria-current'));

const rove = (day) => days.forEach((one) => { one.tabIndex = one === day ? 0 : -1; });
rove(chosen ?? days[0]);
// The browser itself goes to the place of the address with the first frame, and would take the focus away again.
if (location.hash === '#calendar') addEventListener('load', () => requestAnimationFrame(() => chosen?.focus()));

const fill = (status) => {
  const radios = $$(`input[type=radio][value="${status}"]`, form);
  radios.forEach((radio) => { radio.checked = true; radio.dispatchEvent(new Event('change', { bubbles: true })); });
  return radios.length > 0;
};

// Missed and held ask for a reason first. An address alone never saves anything: there the save waits for a key.
const prepare = (status) => {
  if (!fill(status)) return false;
  const reason = status === 'taken' ? null : $('[data-reason] select, [data-reason] input', form);
  (reason ?? $('button[type=submit]', form))?.focus();
  return true;
};
// Taken needs no more than the key on the day that is open.
const record = (status) => {
  if (prepare(status) && status === 'taken') form.requestSubmit($('button[type=submit]', form));
};
if (form && location.hash.startsWith('#record-')) prepare(location.hash.slice(8));

const showReasons = () => $$('[data-reason]', form).forEach((part) => {
  const radios = $$(`input[name="${part.dataset.reason}"]:checked`, form);
  part.hidden = !radios.some((radio) => radio.value === 'missed' || radio.value === 'held');
});
if (form) { form.addEventListener('change', showReasons); showReasons(); }

grid.addEventListener('keydown', (event) => {
  const at = days.indexOf(event.target);
  if (at < 0 || !bare(event)) return;
  const next = days[at + (STEP[event.key] ?? NaN)];
  const status = STATUS[event.key.toLowerCase()];
  if (event.key in STEP) {
    event.preventDefault();
    if (next) { rove(next); next.focus(); }
  } else if (status && form) {
    event.preventDefault();
    if (event.target === chosen) record(status);
    else location.assign(`${event.target.href.split('#')[0]}#record-${status}`);
  }
});
