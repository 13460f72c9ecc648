import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { COMMANDS } from '../../../../services/cli/command-table';
import { buildProgram, run } from '../../../../services/cli/main';

const ROOT = join(__dirname, '..', '..', '..', '..');

describe('buildProgram', () => {
  it('names every command as the command describes itself', () => {
    const loaded = buildProgram().commands.map((command) => [command.name(), command.description()]);
    expect(loaded).toEqual(Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]));
  });

  it('loads only the command that is called', () => {
    const [segment, train] = ['segment', 'train'].map((name) =>
      buildProgram(['segment', 'x.png']).commands.find((each) => each.name() === name),
    );
    expect([segment!.options.length > 0, train!.options.length]).toEqual([true, 0]);
  });
});

it('suggests a command for a mistyped one', async () => {
  const written: string[] = [];
  const spy = jest.spyOn(process.stderr, 'write').mockImplementation((text) => (written.push(String(text)), true));
  expect(await run(['trian'])).toBe(2);
  spy.mockRestore();
  expect(written.join('')).toMatch(/unknown command 'trian'.*train/);
});

it('the command prints its help without loading gRPC, schemas or the image library', () => {
  const main = join(ROOT, 'dist', 'services', 'cli', 'main.js');
  const code = `
    require(${JSON.stringify(main)}).main(['--help']).then(() =>
      process.stderr.write(Object.keys(require.cache).filter((path) => path.includes('node_modules')).join('\\n')));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  for (const name of Object.keys(COMMANDS)) expect(stdout).toContain(`  ${name} `);
  expect([...new Set([...stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name))]).toEqual([
    'commander',
  ]);
});

it('groups the options of a training and tells the defaults of its recipe', () => {
  const train = buildProgram(['train']).commands.find((each) => each.name() === 'train')!;
  const [segmentation, classification] = train.commands.map((each) => each.helpInformation());
  for (const heading of ['What to train:', 'Recipe, with', 'Data:', 'Network:', 'Run:', 'Result:', 'Job:']) {
    expect(segmentation).toContain(`\n${heading}`);
  }
  const flat = (text: string | undefined): string => (text ?? '').replace(/\s+/g, ' ');
  expect(flat(segmentation)).toMatch(/--batch, --batch-size <count> images per step \(default: 8\)/);
  expect(flat(classification)).toMatch(/--batch, --batch-size <count> images per step \(default: 10\)/);
  expect(flat(classification)).toMatch(/--optimizer <name> .*\(default: adamw\)/);
});
