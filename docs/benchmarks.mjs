// Writes the figures of docs/benchmarks/*.json into docs/benchmarks.md, and draws their pictures beside them; with --check only says
// whether page and pictures are true. A result is what `npm run bench` wrote: the last line of a bench's --json and its `command`;
// `baseline` (what it is beside) is added by hand.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pictures, readResults, speedTable } from './figures.mjs';
import { servicePage } from './service-figures.mjs';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const PAGE = join(ROOT, 'benchmarks.md');
const FOLDER = join(ROOT, 'benchmarks');

const results = readResults(FOLDER);
const blocks = { speed: speedTable(results), service: servicePage(results.service) };
const drawn = pictures(results);

/** The text with a block in place of what stands between its marks. */
function withBlock(text, name, block) {
  const [begin, end] = [`<!-- ${name}: written by docs/benchmarks.mjs -->`, `<!-- end of ${name} -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/benchmarks.md lacks ${begin} or ${end}`);
  return `${before}${begin}\n\n${block}\n\n${end}${after}`;
}

/** Prettier aligns tables; what they say is compared. */
const said = (markdown) =>
  markdown
    .replace(/-{3,}/g, '---')
    .replace(/[ \n]+/g, ' ')
    .trim();

const text = readFileSync(PAGE, 'utf8');
const written = Object.entries(blocks).reduce((page, [name, block]) => withBlock(page, name, block), text);
if (process.argv.includes('--check')) {
  const untrue = Object.entries(drawn).filter(([name, svg]) => readFileSync(join(FOLDER, name), 'utf8') !== svg);
  if (said(text) !== said(written) || untrue.length > 0) {
    console.error('docs/benchmarks.md tells other figures than docs/benchmarks/*.json: node docs/benchmarks.mjs');
    process.exit(1);
  }
} else {
  for (const [name, svg] of Object.entries(drawn)) writeFileSync(join(FOLDER, name), svg);
  writeFileSync(PAGE, written);
}
