// A job's progress, looked at again while the page is in sight. Without this file "Look again" does the same.
import { $ } from '../edc.js';

const EVERY_MS = 4000;
// Each look counts as activity of the person: a forgotten window must not keep the session open.
const MOST_LOOKS = 75;

let looks = 0;

const look = async () => {
  if (document.hidden) { setTimeout(look, EVERY_MS); return; }
  looks += 1;
  const answer = await fetch(window.location.href, { credentials: 'same-origin', redirect: 'error' }).catch(() => null);
  const place = $('[data-progress]');
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const now = $('[data-progress]', page);
    if (now?.dataset.progress !== place.dataset.progress) { window.location.reload(); return; }
    $('[role=status]', place).replaceChildren(...$('[role=status]', now).childNodes);
  }
  if (looks < MOST_LOOKS) setTimeout(look, EVERY_MS);
};

setTimeout(look, EVERY_MS);
