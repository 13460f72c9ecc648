import { join } from 'node:path';
import { blocksOf, runnableBlocks } from './blocks';

const page = ['# Page', '```sh', 'left alone', '```', '', '```sh run models grpcurl', 'one', 'two', '```', ''];

test('a marked block is found with its line and what it needs', () => {
  expect(blocksOf('page.md', page.join('\n'))).toEqual([
    { page: 'page.md', line: 6, needs: ['models', 'grpcurl'], text: 'one\ntwo\n' },
  ]);
});

test('a mark that is not known is named with its line', () => {
  const text = page.join('\n').replace('models', 'modles');
  expect(() => blocksOf('page.md', text)).toThrow('page.md:6: a block cannot need modles');
});

test('the README, the quick start and the clients have blocks that are run', () => {
  const pages = new Set(runnableBlocks(join(__dirname, '..', '..')).map((block) => block.page));
  for (const name of ['README.md', 'docs/quickstart.md', 'docs/examples/README.md']) expect(pages).toContain(name);
});
