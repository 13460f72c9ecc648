// Draws which package imports which, as Mermaid, into CONTRIBUTING.md; with --check only says whether the drawing is true.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const DOCUMENT = new URL('../CONTRIBUTING.md', import.meta.url);
const DRAWING = /```mermaid\n[^]*?```/;

const drawn = spawnSync(
  'npx',
  [
    'depcruise',
    ...['--config', '.dependency-cruiser.cjs', '--output-type', 'mermaid'],
    ...['--include-only', '^(services|native/lib)/', '--collapse', '^(services/[^/]+|native/lib)'],
    ...['services', 'native/lib'],
  ],
  { cwd: new URL('..', import.meta.url), encoding: 'utf8' },
);
if (drawn.status !== 0) throw new Error(`depcruise failed: ${drawn.stderr}`);

// In an order of their own, for theirs is that of the files which import first.
const lines = drawn.stdout.trim().split('\n');
const isArrow = (line) => /^\w+-->\w+$/.test(line);
const drawing = [...lines.filter((line) => !isArrow(line)), ...lines.filter(isArrow).sort()].join('\n');

const document = readFileSync(DOCUMENT, 'utf8');
const current = document.replace(DRAWING, () => `\`\`\`mermaid\n${drawing}\n\`\`\``);
if (process.argv.includes('--check')) {
  if (current !== document) {
    console.error('CONTRIBUTING.md draws other imports than there are: npm run docs:packages');
    process.exitCode = 1;
  }
} else {
  writeFileSync(DOCUMENT, current);
}
