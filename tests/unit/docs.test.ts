// Links of the documentation, within it and to files of the project.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(__dirname, '..', '..');

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'proto/README.md', 'findings/README.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** Anchors that the headings of a page have. */
function anchorsOf(page: string): Set<string> {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

const links = pages.flatMap((page) =>
  [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) =>
    /^[a-z]+:/.test(target) ? [] : [[page, target] as const],
  ),
);

test.each(links)('%s links to %s', (page, target) => {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page : relative(ROOT, join(ROOT, dirname(page), file));
  expect(existsSync(join(ROOT, path))).toBe(true);
  if (anchor !== undefined) expect([...anchorsOf(path)]).toContain(anchor);
});

test('every page of docs/ is reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [from, target] of links) {
      const to = relative(ROOT, join(ROOT, dirname(page), target.split('#')[0]!));
      if (from === page && to.endsWith('.md') && !reached.has(to)) reached.add(to);
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});
