// The shell of a report: one HTML file that needs nothing besides itself, works without scripts, follows the reader's theme
// and treats every name in it as hostile.

import { createHash } from 'node:crypto';
import { escapeXml } from '../../common/xml';
import { hexOf, PREDICTION_COLOUR, TRUTH_COLOUR } from '../../imaging/overlay';
import { DARK, LIGHT, themeCss } from './figure';

/** Sorts tables when a heading is pressed; without it they stay in the order they came in. */
const SCRIPT = `
for (const table of document.querySelectorAll('table.sortable')) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = heading.getAttribute('aria-sort') === 'ascending';
      const value = (row) => row.cells[column].textContent;
      const compare = (a, b) => {
        const [left, right] = [parseFloat(value(a)), parseFloat(value(b))];
        return Number.isNaN(left) || Number.isNaN(right) ? value(a).localeCompare(value(b)) : left - right;
      };
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      headings.forEach((each) => each.removeAttribute('aria-sort'));
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      table.tBodies[0].append(...rows);
    });
  });
}
`;

const LAYOUT = `
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 20px 64px;font:15px/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink)}
:root{--paper:${LIGHT.paper};--ink:${LIGHT.ink};--soft:${LIGHT.soft};--grid:${LIGHT.grid};--raised:#f5f7f9;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:${DARK.paper};--ink:${DARK.ink};--soft:${DARK.soft};--grid:${DARK.grid};--raised:#1d232a}}
h1{font-size:26px;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:19px;margin:40px 0 10px;border-bottom:1px solid var(--grid);padding-bottom:4px}
h3{font-size:15px;margin:20px 0 8px}
p.soft,td.soft,figcaption{color:var(--soft)}
.note{background:var(--raised);border-left:4px solid #d55e00;padding:8px 12px;border-radius:4px}
table{border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid);overflow-wrap:anywhere}
td.number,th.number{text-align:right}
th button{all:unset;cursor:pointer;font-weight:600}th button:hover{text-decoration:underline}th button:focus-visible{outline:2px solid}
th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
.figures{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;max-width:100%}figure svg{max-width:100%;height:auto}
.figures figure{border:1px solid var(--grid);border-radius:6px;padding:8px}
.case svg{width:240px;height:auto;display:block;border-radius:3px}.case figcaption{max-width:240px;font-size:13px;overflow-wrap:anywhere}
.swatch{display:inline-block;width:26px;border-top:3px solid ${hexOf(PREDICTION_COLOUR)};vertical-align:middle;margin:0 4px}.swatch.truth{border-top:3px dashed ${hexOf(TRUTH_COLOUR)}}
.scroll{max-height:640px;overflow:auto}
@media print{.scroll{max-height:none}}
`;

/** @param body HTML in which every text has been escaped */
export function htmlDocument(title: string, body: string): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  // Nothing is fetched, and no other script runs, whatever a file or a class is called.
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeXml(title)}</title>`,
    `<style>${LAYOUT}${themeCss(LIGHT, '.figure ')}@media (prefers-color-scheme:dark){${themeCss(DARK, '.figure ')}}</style>`,
    '</head>',
    `<body>`,
    body,
    `<script>${SCRIPT}</script>`,
    '</body>',
    '</html>\n',
  ].join('\n');
}

/** Text of a cell, or a number with its digits. */
export type Cell = string | { number: string };

/** @param options.sortable headings sort the rows when they are pressed */
export function htmlTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: { caption?: string; sortable?: boolean } = {},
): string {
  const numeric = headings.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'object'));
  const heads = headings.map(
    (heading, column) => `<th scope="col"${numeric[column] ? ' class="number"' : ''}>${escapeXml(heading)}</th>`,
  );
  const cell = (value: Cell): string =>
    typeof value === 'string' ? `<td>${escapeXml(value)}</td>` : `<td class="number">${escapeXml(value.number)}</td>`;
  return [
    `<table${options.sortable ? ' class="sortable"' : ''}>`,
    options.caption === undefined ? '' : `<caption>${escapeXml(options.caption)}</caption>`,
    `<thead><tr>${heads.join('')}</tr></thead>`,
    `<tbody>${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}</tbody>`,
    '</table>',
  ].join('\n');
}
