"""A walk of a page by Tab alone: what it reaches, in which order, and whether the place of the focus is seen."""

from __future__ import annotations

from playwright.sync_api import CDPSession, Page

TAB = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
#: Everything that may have to be reached, and what keeps it from being there. Inside <main> only, where it says so.
_COMMON = """
const CAN = 'a[href],area[href],button,input,select,textarea,summary,[tabindex]';
const within = (root) => [...root.querySelectorAll(CAN)];
const isThere = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.type !== 'hidden'
  && !one.closest('[inert]') && !(one.ariaHidden && one.tabIndex < 0);
const root = shell ? document : document.querySelector('main');
"""
#: Focus on the last thing before the part that is walked; from then on everything that gets the focus is kept, and
#: whether it is seen that it has it. How many keys will do.
_START = (
    """shell => {"""
    + _COMMON
    + """
  const isSeen = (one) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    return (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none';
  };
  const told = (one) => isSeen(one) || isSeen(one.parentElement);
  document.activeElement?.blur();
  const all = within(document).filter(isThere), first = all.findIndex((one) => root.contains(one) && one !== root);
  if (first > 0) all[first - 1].focus();
  window.__walk = [];
  addEventListener('focusin', ({ target }) => window.__walk.push([target, told(target)]), true);
  return within(root).filter(isThere).length;
}"""
)
#: What Tab has to reach is everything that is there to be pressed or filled in. Of radios it reaches one, and of a
#: calendar one day: arrows reach the others. A place with tabindex -1 is where a link of the page leads.
_FOUND = (
    """shell => {"""
    + _COMMON
    + """
  const all = within(root), walk = window.__walk.filter(([one]) => root.contains(one)), there = all.filter(isThere);
  const reached = new Set(walk.map(([one]) => one));
  const some = (found) => found.some((one) => reached.has(one));
  const like = (one) => all.filter((other) => other.name === one.name && other.form === one.form);
  const days = (one) => within(one.closest('[data-calendar]') ?? one);
  const byArrows = (one) => (one.type === 'radio' && some(like(one))) || (one.tabIndex === -1 && some(days(one)));
  const isPlace = (one) => one.tabIndex === -1 && !one.matches('a,button,input,select,textarea,summary');
  const isWords = (one) => one.localName === 'summary' && one.parentElement.localName !== 'details';
  const order = [...reached].map((one) => all.indexOf(one)), turn = order.findIndex((at, i) => i && at < order[i - 1]);
  const boxes = new Set();
  for (const one of there) for (let box = one; box && !boxes.has(box); box = box.parentElement) boxes.add(box);
  const isMoved = ({ order: place, flexDirection }) => place !== '0' || flexDirection.endsWith('reverse');
  const say = (words, found) => found.map((one) => `${words}: ${one.outerHTML.slice(0, 120)}`);
  return [
    ...say('not reached', there.filter((one) => !(reached.has(one) || byArrows(one) || isPlace(one) || isWords(one)))),
    ...say('out of order', turn > 0 ? [all[order[turn]]] : []),
    ...say('focus not seen', walk.filter(([, seen]) => !seen).map(([one]) => one)),
    ...say('not in the order of reading', [...boxes].filter((box) => isMoved(getComputedStyle(box)))),
  ];
}"""
)


def walked(page: Page, keys: CDPSession, *, shell: bool) -> list[str]:
    """What is wrong with a walk through the page that is open, one line each; `shell`: with what all pages share."""
    for _ in range(page.evaluate(_START, shell)):
        keys.send("Input.dispatchKeyEvent", TAB)
    return list(dict.fromkeys(page.evaluate(_FOUND, shell)))
