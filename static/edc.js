// Progressive enhancement only: every page works without these files.
import { $ } from './js/dom.js';
import './js/shell.js';
import './js/forms.js';
import './js/session.js';

if ($('[data-lab-grid]')) import('./js/lab-grid.js');
if ($('[data-draft-form]')) import('./js/drafts.js');
if ($('[data-calendar]')) import('./js/calendar.js');
if ($('[data-progress]')) import('./js/progress.js');
if ($('[data-criteria]')) import('./js/criteria.js');
if ($('#query-panel')) import('./js/queries.js');
