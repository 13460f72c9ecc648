import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ReidentificationMap } from '../../deidentification';
import { printJson, printLine } from '../../terminal/print';
import { loadConfig } from '../program/config';
import { CliError } from '../program/errors';

interface ReidentifyOptions {
  folder?: string;
  json?: boolean;
}

/** Reads the map of a folder itself: who may do so is a matter of its file's permissions. */
export function reidentifyCommand(): Command {
  return new Command('reidentify')
    .description('say who or what a pseudonym or UID of a de-identified result stands for')
    .argument('<value>', 'patient ID or UID, as the receiver has it')
    .option('--folder <folder>', 'folder of the bridge (default: pacs in AUTOMED_HOME)')
    .option('--json', 'print one JSON document')
    .action((value: string, { folder, json }: ReidentifyOptions) => {
      const path = join(folder ?? join(loadConfig().home, 'pacs'), 'reidentification.db');
      if (!existsSync(path)) throw new CliError(`there is no ${path}`);
      const map = ReidentificationMap.open(path);
      const found = map.find(value);
      map.close();
      if (json) return printJson({ found });
      if (found.length === 0) throw new CliError('the map has no such value');
      for (const { kind, original } of found) printLine(`${kind} ${original}`);
    });
}
