import { resolve } from 'node:path';
import { Command } from 'commander';
import { auditStore } from '../../store';
import { loadConfig } from '../config';
import { CliError } from '../errors';
import { printJson, printLine, printProblem } from '../output/print';
import { byteSize } from '../output/table';
import { examples } from './options';

export function storeCommand(): Command {
  const command = new Command('store').description('look after the folder of bases and models');
  command.addCommand(verifyCommand());
  return examples(command, ['automed store verify', 'automed store verify --home /srv/automed --json']);
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'read all weights and compare them with their sha256; check that every base and every aliased version is there. ' +
        'Ends with code 1 when something is damaged',
    )
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--json', 'print one JSON document')
    .action(verify);
}

async function verify({ home, json }: { home?: string; json?: boolean }): Promise<void> {
  const root = resolve(home ?? loadConfig().home);
  const audit = await auditStore(root);
  const { bases, models, aliases, bytes, problems } = audit;
  if (json) printJson({ home: root, ok: problems.length === 0, ...audit });
  else {
    for (const { subject, problem } of problems) printProblem(`${subject}: ${problem}`);
    printLine(`${root}: ${bases} bases, ${models} models, ${aliases} aliases, ${byteSize(bytes)} of weights read`);
  }
  if (problems.length > 0)
    throw new CliError(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${root}`);
}
