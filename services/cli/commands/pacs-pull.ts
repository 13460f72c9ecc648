import { Command, Option } from 'commander';
import type { PullProgress } from '../../client';
import { CountDisplay } from '../../terminal/count-display';
import { printJson, printLine } from '../../terminal/print';
import { CliError } from '../program/errors';
import { connected, withPacs, type PacsOptions } from './pacs-connection';

interface PullOptions extends PacsOptions {
  from: string;
  series?: string;
  by: 'get' | 'move';
}

export function pacsPullCommand(): Command {
  return connected(new Command('pull'))
    .description('fetch a study from an archive: what is not here yet; ends with code 1 when something is missing')
    .argument('<study>', 'Study Instance UID')
    .requiredOption('--from <destination>', "name of one of the site's destinations")
    .option('--series <uid>', 'this series only')
    .addOption(
      new Option(
        '--by <method>',
        'how an archive that speaks DICOM sends: on the connection that asks, or to the bridge',
      )
        .choices(['get', 'move'])
        .default('get'),
    )
    .action(async (study: string, { from, series, by, ...options }: PullOptions) => {
      const last = await withPacs(options, (client) => shown(client.pull({ study, series, archive: from, by })));
      if (!last) throw new CliError('the bridge ended the pull without an answer');
      const { foundCount, knownCount, receivedCount, refusedCount, missingCount, reason } = last;
      if (options.json) printJson(last);
      else printLine(`${foundCount} objects: ${knownCount} were here, ${receivedCount} came, ${refusedCount} refused`);
      if (missingCount > 0)
        throw new CliError(`${missingCount} objects are missing${reason === '' ? '' : `: ${reason}`}`);
    });
}

/** Draws how far a pull is; resolves to its last answer. */
async function shown(progress: AsyncIterable<PullProgress>): Promise<PullProgress | undefined> {
  let display: CountDisplay | undefined;
  let last: PullProgress | undefined;
  try {
    for await (last of progress) {
      display ??= new CountDisplay('pulling', last.foundCount);
      display.show(Math.min(last.foundCount, last.knownCount + last.receivedCount));
    }
    return last;
  } finally {
    display?.close();
  }
}
