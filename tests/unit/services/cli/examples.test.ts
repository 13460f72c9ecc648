// Every example of every help and every command of the README and docs/: parsed by the commands themselves, and about things that exist.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { BASE_NAME, CLASSIFICATION_MODEL, SEGMENTATION_MODEL } from '../../../../services/cli/demo/plan';
import { buildProgram } from '../../../../services/cli/main';
import { BASE_ARCHITECTURES } from '../../../../services/store';
import { FOLDERS } from '../../../docs/blocks';
import { LAYOUT_NAMES } from '../../../../services/datasets/layouts/read-data';

const ROOT = join(__dirname, '..', '..', '..', '..');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))]
  .filter((page) => page.endsWith('.md'))
  .map((page) => readFileSync(join(ROOT, page), 'utf8'))
  .join('\n');

/** A command line as it was understood. */
interface Understood {
  line: string;
  path: string;
  options: Record<string, unknown>;
  /** By their names in the help. */
  arguments: Record<string, unknown>;
}

function helpOf(command: Command): string[] {
  const written: string[] = [];
  command.configureOutput({ writeOut: (text) => written.push(text) }).outputHelp();
  return [written.join(''), ...command.commands.flatMap(helpOf)];
}

const helpExamples = helpOf(buildProgram()).flatMap((help) =>
  [...help.matchAll(/^ {2}\$ (.+)$/gm)].map(([, line = '']) => line),
);
const fenced = [...PAGES.matchAll(/^```sh[^\n]*\n([^]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n'));
const pageCommands = [
  ...new Set(fenced.flatMap((line) => (/^(npx )?automed /.test(line) ? [line.replace(/\s+#.*$/, '')] : []))),
];
/** Within sentences: without what is left out there, and of alternatives none. */
const pageFragments = [...PAGES.matchAll(/`(automed [a-z][^`]*)`/g)]
  .map(([, text = '']) => text.replace(/\s+/g, ' '))
  .filter((text) => !/\.\.\.|\|/.test(text));

/** The words of a line as a shell reads it; `source <(COMMAND)` and `COMMAND > FILE` are about the command. */
function wordsOf(line: string): string[] {
  const command = line.replace(/^source <\((.*)\)$/, '$1').replace(/ > \S+$/, '');
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  return words.slice(words.indexOf('automed') + 1);
}

/** Parses a line with the program's own commands, which only say what they understood. */
function understood(line: string): Understood {
  const program = buildProgram();
  let told: Understood | undefined;
  const listen = (path: string, command: Command): void => {
    for (const each of command.commands) listen(`${path} ${each.name()}`.trim(), each);
    if (command.commands.length > 0) return;
    const names = command.registeredArguments.map((each) => each.name());
    command.action(() => {
      const given = Object.fromEntries(names.map((name, index) => [name, command.processedArgs[index] as unknown]));
      told = { line, path, options: command.opts(), arguments: given };
    });
  };
  listen('', program);
  program.parse(wordsOf(line), { from: 'user' });
  if (!told) throw new Error(`"${line}" names no command`);
  return told;
}

test('there are examples of every command', () => {
  const commands = buildProgram().commands.map((command) => command.name());
  const shown = new Set(helpExamples.map((line) => wordsOf(line)[0]));
  expect(commands.filter((name) => !shown.has(name))).toEqual([]);
  expect(pageCommands.length).toBeGreaterThan(15);
});

test.each([...helpExamples, ...pageCommands])('%s', (line) => {
  expect(() => understood(line)).not.toThrow();
});

test.each(['automed trian segmentation', 'automed segment a.png --modle x', 'automed bases create tiny --arch tinny'])(
  'is refused: %s',
  (line) => {
    expect(() => understood(line)).toThrow(CommanderError);
  },
);

test.each(pageFragments)('as far as it goes: %s', (fragment) => {
  try {
    understood(fragment);
  } catch (error) {
    const code = error instanceof CommanderError ? error.code : String(error);
    expect(['commander.missingMandatoryOptionValue', 'commander.missingArgument', 'commander.help']).toContain(code);
  }
});

describe('what examples name', () => {
  const all = [...helpExamples, ...pageCommands].map(understood);
  const text = (value: unknown): string[] => (typeof value === 'string' ? [value] : []);
  const many = (value: unknown): string[] => (Array.isArray(value) ? value.flatMap(text) : text(value));
  const nameOf = (reference: string): string => reference.split('@')[0] ?? '';

  const models = new Set([SEGMENTATION_MODEL, CLASSIFICATION_MODEL]);
  const bases = new Set([BASE_NAME, SEGMENTATION_MODEL]);
  const backbones = new Set<string>();
  const datasets = new Set<string>();
  for (const { path, options, arguments: given } of all) {
    const [name] = [...text(options['name']), ...text(options['arch'])];
    if (path === 'bases create' || path === 'data register') {
      (path === 'data register' ? datasets : bases).add(String(given['name']));
    }
    if (path === 'bases import') (options['arch'] === undefined ? backbones : bases).add(name!);
    if (path === 'train base') bases.add(name!);
    else if (path.startsWith('train ')) {
      models.add(name!);
      if (options['train'] !== 'head') bases.add(text(options['baseName'])[0] ?? name!);
    }
  }

  const MODEL_BY_NAME = ['models alias', 'models rollback', 'models promotions', 'evaluations list'];
  const named = all.map(({ line, path, options, arguments: given }) => {
    // The name of an architecture stands for random weights, which are made.
    const makes = options['train'] === 'encoder' || path === 'reproduce';
    const onBases = [...text(options['base']), ...text(options['samBase']), ...text(given['base'])];
    return {
      line,
      models: [
        ...many(options['model']),
        ...text(options['startFrom']),
        ...text(given['model']),
        ...(MODEL_BY_NAME.includes(path) ? text(given['name']) : []),
      ],
      bases: onBases.filter((base) => !(makes && Object.hasOwn(BASE_ARCHITECTURES, base))),
      backbones: text(options['backbone']),
      datasets: [...text(options['dataset']), ...text(given['dataset'])],
      data: [...text(options['data']), ...text(given['folder']), ...text(given['location'])],
    };
  });

  test.each([
    ['models', models],
    ['bases', bases],
    ['backbones', backbones],
    ['datasets', datasets],
  ] as const)('are %s that the demo or other examples make', (kind, known) => {
    const unknown = named.flatMap(({ line, [kind]: names }) =>
      names.some((name) => !known.has(nameOf(name))) ? [line] : [],
    );
    expect(unknown).toEqual([]);
  });

  // Folders are told by their content; by their names people know what is meant.
  test('are data sets that are published, a placeholder, a table, or of the documentation', () => {
    const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
    const published = [...LAYOUT_NAMES.map(plain), 'drishtigs', ...Object.values(FOLDERS)];
    const strange = named.flatMap(({ line, data }) =>
      data.some((path) => {
        const folder = path.split('/').at(-1) ?? '';
        return (
          folder !== 'DIR' && !folder.endsWith('.csv') && !published.some((name) => plain(folder).startsWith(name))
        );
      })
        ? [line]
        : [],
    );
    expect(strange).toEqual([]);
  });
});
