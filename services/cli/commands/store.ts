import { resolve } from 'node:path';
import { Command } from 'commander';
import {
  auditStore,
  backupStore,
  deleteGarbage,
  findGarbage,
  objectSettings,
  restoreStore,
  type Audit,
} from '../../store';
import { loadConfig } from '../program/config';
import { CliError } from '../program/errors';
import { printJson, printLine, printNote, printProblem } from '../../terminal/print';
import { byteSize, table } from '../../terminal/table';
import { examples, number, whole } from './options';

export function storeCommand(): Command {
  const command = new Command('store').description('look after the folder of bases and models');
  command.addCommand(verifyCommand());
  command.addCommand(gcCommand());
  command.addCommand(backupCommand());
  command.addCommand(restoreCommand());
  return examples(command, [
    'automed store verify',
    'automed store gc --keep 3',
    'automed store gc --keep 3 --promoted-days 90 --yes',
    'automed store backup /backup/2026-11-23',
    'automed store restore /backup/2026-11-23 --home /srv/automed',
  ]);
}

interface StoreOptions {
  home?: string;
  json?: boolean;
}

const rootOf = ({ home }: StoreOptions): string => resolve(home ?? loadConfig().home);

/** A copy of the folder alone would be a backup without models. */
function refuseObjects(): void {
  const objects = objectSettings();
  if (!objects) return;
  const place = `s3://${objects.bucket}/${objects.prefix}`;
  throw new CliError(
    `bases and models are in ${place} (AUTOMED_MODEL_STORE): copy that with the object store's own tools, e.g. its versioning or aws s3 sync`,
  );
}

/** Adds what every command on a store of this machine takes. */
function onStore(command: Command): Command {
  return command
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--json', 'print one JSON document');
}

function gcCommand(): Command {
  return onStore(new Command('gc'))
    .description(
      'show what nobody needs any more: surplus versions (with --keep), bases that training made for models which are gone, ' +
        'half-written folders, folders of ended jobs, previews of deleted ones, results of forgotten evaluations. Deletes it only with --yes',
    )
    .option('--keep <count>', 'newest versions of each model that stay (default: all)', whole(1))
    .option('--promoted-days <days>', 'versions that had an alias within these days stay', number({ min: 0 }), 30)
    .option('--yes', 'delete it')
    .action(async (options: StoreOptions & { keep?: number; promotedDays: number; yes?: boolean }) => {
      const { keep: keepVersions, promotedDays } = options;
      const root = rootOf(options);
      const objects = objectSettings();
      const found = await findGarbage(root, { keepVersions, promotedDays }, objects);
      const garbage = options.yes ? await deleteGarbage(root, found, objects) : found;
      const bytes = garbage.reduce((sum, item) => sum + item.bytes, 0);
      if (options.json) return printJson({ home: root, deleted: options.yes === true, bytes, garbage });
      if (garbage.length === 0) return printLine('nothing to delete');
      const rows = garbage.map(({ kind, name, bytes: size, reason }) => [kind, name, byteSize(size), reason]);
      printLine(table(['KIND', 'NAME', 'SIZE', 'REASON'], rows));
      printLine(options.yes ? `deleted ${byteSize(bytes)}` : `${byteSize(bytes)}; --yes deletes it`);
    });
}

function describeAudit({ bases, models, aliases, bytes }: Audit): string {
  return `${bases} bases, ${models} models, ${aliases} aliases, ${byteSize(bytes)} of weights`;
}

function backupCommand(): Command {
  return onStore(new Command('backup'))
    .description('copy the store, its reports and databases, while services work on it, and check the copy')
    .argument('<target>', 'a folder that does not exist, or is empty')
    .option('--link', 'link files instead of copying them: same file system, and no help against a failing disk')
    .action(async (target: string, options: StoreOptions & { link?: boolean }) => {
      refuseObjects();
      const audit = await backupStore(rootOf(options), target, { link: options.link === true });
      if (options.json) return printJson({ home: rootOf(options), target: resolve(target), ...audit });
      printLine(`${resolve(target)}: ${describeAudit(audit)}, all checked`);
    });
}

function restoreCommand(): Command {
  return onStore(new Command('restore'))
    .description('check a backup and make a store of it, where there is none')
    .argument('<backup>', 'what `automed store backup` made')
    .action(async (backup: string, options: StoreOptions) => {
      refuseObjects();
      const audit = await restoreStore(backup, rootOf(options));
      if (options.json) return printJson({ home: rootOf(options), backup: resolve(backup), ...audit });
      printLine(`${rootOf(options)}: ${describeAudit(audit)}, all checked`);
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'read all weights and reports and compare them with their sha256; check that every base and every aliased version is ' +
        'there, and that the databases are sound. ' +
        'Ends with code 1 when something is damaged',
    )
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--json', 'print one JSON document')
    .action(verify);
}

async function verify({ home, json }: { home?: string; json?: boolean }): Promise<void> {
  const root = resolve(home ?? loadConfig().home);
  const audit = await auditStore(root, objectSettings());
  const { bases, models, aliases, bytes, problems, unused } = audit;
  if (json) printJson({ home: root, ok: problems.length === 0, ...audit });
  else {
    for (const { subject, problem } of problems) printProblem(`${subject}: ${problem}`);
    for (const base of unused) {
      printNote(
        `base ${base}: no model stands on it. If a training died before it registered its model, --resume goes on with it; ` +
          'else `automed store gc` finds it a day after it was made',
      );
    }
    printLine(`${root}: ${bases} bases, ${models} models, ${aliases} aliases, ${byteSize(bytes)} of weights read`);
  }
  if (problems.length > 0)
    throw new CliError(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${root}`);
}
