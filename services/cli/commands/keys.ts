import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { createKey, formatKeys, parseKeys, type ApiKey } from '../../access/api-keys';
import { makeFolder } from '../../common/make-folder';
import { replaceFile } from '../../store/durable';
import { printJson, printLine } from '../../terminal/print';
import { table } from '../../terminal/table';
import { loadConfig } from '../program/config';
import { CliError } from '../program/errors';
import { examples, whole } from './options';

interface FileOptions {
  file?: string;
  json?: boolean;
}

interface CreateOptions extends FileOptions {
  role: string[];
  days?: number;
}

const DAY_MS = 24 * 3_600_000;

export function keysCommand(): Command {
  const command = new Command('keys')
    .description('make, list and revoke keys of programs that call a gateway')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
  return examples(command, [
    'automed keys create pacs-bridge --role predict --days 365',
    'automed keys list',
    'automed keys revoke 3f9c01aa',
  ]);
}

/** Options of every command here. */
function ofFile(command: Command): Command {
  return command
    .option('--file <path>', "file of the gateway's AUTOMED_KEYS_FILE (default: keys.json in the store's folder)")
    .option('--json', 'print one JSON document');
}

function createCommand(): Command {
  return ofFile(new Command('create'))
    .description('make a key, print it once, and put its digest into the file')
    .argument('<name>', 'whom it is for, e.g. pacs-bridge')
    .option(
      '--role <role>',
      'what it may: predict, train, admin, or a role of the policy file; repeatable',
      (role: string, before: string[] = []) => [...before, role],
    )
    .option('--days <count>', 'how long it holds (default: until it is revoked)', whole(1))
    .action(async (name: string, { role = ['predict'], days, file, json }: Partial<CreateOptions>) => {
      const path = fileOf(file);
      const expires = days === undefined ? undefined : new Date(Date.now() + days * DAY_MS);
      const { key, entry } = createKey(name, role, { expires });
      await write(path, [...(await read(path)), entry]);
      if (json) printJson({ key, id: entry.id, file: path });
      else {
        printLine(key);
        process.stderr.write(`automed: this is the only time that the key is shown; ${path} has its digest\n`);
      }
    });
}

function listCommand(): Command {
  return ofFile(new Command('list'))
    .description('list the keys of the file, without their secrets')
    .action(async ({ file, json }: FileOptions) => {
      const keys = await read(fileOf(file));
      if (json) {
        printJson(keys.map(({ sha256: _digest, ...shown }) => ({ ...shown, state: stateOf(shown) })));
        return;
      }
      const rows = keys.map((key) => [key.id, key.name, key.roles.join(', '), key.created.slice(0, 10), stateOf(key)]);
      printLine(table(['ID', 'NAME', 'ROLES', 'CREATED', 'STATE'], rows));
    });
}

function revokeCommand(): Command {
  return ofFile(new Command('revoke'))
    .description('refuse a key from now on; a running gateway sees it within seconds')
    .argument('<id>', 'ID of `automed keys list`')
    .action(async (id: string, { file, json }: FileOptions) => {
      const path = fileOf(file);
      const keys = await read(path);
      const entry = keys.find((key) => key.id === id);
      if (!entry) throw new CliError(`${path} has no key ${id}; \`automed keys list\` shows what there is`);
      entry.revoked ??= new Date().toISOString();
      await write(path, keys);
      if (json) printJson({ id, revoked: entry.revoked });
      else printLine(`${id} (${entry.name}) is revoked`);
    });
}

function fileOf(file: string | undefined): string {
  return file ?? join(loadConfig().home, 'keys.json');
}

function stateOf({ revoked, expires }: Pick<ApiKey, 'revoked' | 'expires'>): string {
  if (revoked !== undefined) return `revoked ${revoked.slice(0, 10)}`;
  if (expires === undefined) return 'valid';
  return new Date(expires) <= new Date() ? `expired ${expires.slice(0, 10)}` : `valid until ${expires.slice(0, 10)}`;
}

async function read(path: string): Promise<ApiKey[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return parseKeys(text);
  } catch (error) {
    throw new CliError(`${path} is no file of keys: ${(error as Error).message}`);
  }
}

async function write(path: string, keys: readonly ApiKey[]): Promise<void> {
  await makeFolder(dirname(path));
  await replaceFile(path, formatKeys(keys));
}
