// Packages that a person can still read.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SERVICES = join(__dirname, '..', '..', 'services');
const MOST_LINES = 6_000;
const MOST_MEDIAN = 150;

const linesOf = (file: string): number => readFileSync(file, 'utf8').split('\n').length - 1;

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name));
}

const packages = readdirSync(SERVICES, { withFileTypes: true }).flatMap((each) =>
  each.isDirectory() ? [each.name] : [],
);

test.each(packages)('package %s is small enough', (name) => {
  const sizes = sourcesOf(join(SERVICES, name)).map(linesOf);
  expect(sizes.reduce((sum, lines) => sum + lines, 0)).toBeLessThanOrEqual(MOST_LINES);
});

test('most files fit on a few screens', () => {
  const sizes = packages.flatMap((name) => sourcesOf(join(SERVICES, name)).map(linesOf)).sort((a, b) => a - b);
  expect(sizes.length).toBeGreaterThan(500);
  expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(MOST_MEDIAN);
});
