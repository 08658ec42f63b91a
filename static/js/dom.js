export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** True while keys belong to a box, not to the page. */
export const typing = (element) => Boolean(element?.closest?.('input:not([type=radio]):not([type=checkbox]), select, textarea, [contenteditable]'));

/** True when a key arrives with no modifier that gives it to the browser. */
export const bare = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
