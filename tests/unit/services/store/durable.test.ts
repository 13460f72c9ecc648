import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { filesBelow } from '../../../../services/store/durable';
import { temporaryFolder } from '../../../support/data';

const folder = temporaryFolder();

/** What is found when `after` happens to the tree once its first file is. */
async function found(root: string, after: () => void = () => undefined): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of filesBelow(root)) if (paths.push(relative(root, path)) === 1) after();
  return paths.sort();
}

function tree(name: string): string {
  const root = join(folder, name);
  for (const path of ['a/1/x', 'b/1/x', 'b/2/.incoming-3/x', 'c/1/x']) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  return root;
}

test('files below a folder are all but half-written ones', async () => {
  expect(await found(tree('whole'))).toEqual(['a/1/x', 'b/1/x', 'c/1/x']);
  expect(await found(join(folder, 'nowhere'))).toEqual([]);
});

test('a folder that goes while files are listed takes none of the others along', async () => {
  const root = tree('busy');
  const emptied = await found(root, () => rmSync(join(root, 'b'), { recursive: true }));
  expect(emptied).toEqual(['a/1/x', 'c/1/x']);
});
