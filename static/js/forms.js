// Forms: one click sends once, and date boxes show what they understood.
import { $, $$ } from './dom.js';

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
