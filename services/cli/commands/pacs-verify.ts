import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { VerifyResultRequest } from '../../../proto/gen/automed/pacs/v1/VerifyResultRequest';
import { printJson, printLine } from '../../terminal/print';
import { verificationLines } from '../../terminal/pacs';
import { CliError } from '../program/errors';
import { connected, withPacs, type PacsOptions } from './pacs-connection';

/** Bytes of a file in one message. */
const PART_BYTES = 1024 * 1024;
/** A model may be loaded from a cold disk, and looks at every image. */
const TIMEOUT_MS = 3600_000;

async function* partsOf(path: string): AsyncGenerator<VerifyResultRequest> {
  for await (const data of createReadStream(path, { highWaterMark: PART_BYTES })) yield { data: data as Buffer };
  yield { data: Buffer.alloc(0), endsFile: true };
}

async function* filesOf(result: string, study: string | undefined): AsyncGenerator<VerifyResultRequest> {
  yield* partsOf(result);
  if (study === undefined) return;
  const names = await readdir(study, { recursive: true });
  const files: string[] = [];
  for (const name of names.sort()) if ((await stat(join(study, name))).isFile()) files.push(join(study, name));
  if (files.length === 0) throw new CliError(`there is no file in ${study}`);
  for (const file of files) yield* partsOf(file);
}

interface VerifyOptions extends PacsOptions {
  study?: string;
}

export function pacsVerifyCommand(): Command {
  return connected(new Command('verify'))
    .description('compute a result again with the model that made it, and say what is equal and what has changed')
    .argument('<result>', 'file of a segmentation or report that the bridge sent')
    .option('--study <folder>', 'the images that it was made of (default: those that the bridge keeps)')
    .action(async (result: string, options: VerifyOptions) => {
      const parts = filesOf(result, options.study);
      const answer = await withPacs(options, (client) => client.verify(parts, { timeoutMs: TIMEOUT_MS }));
      if (options.json) printJson(answer);
      else printLine(verificationLines(answer).join('\n'));
      if (!answer.equal) throw new CliError('the result is not the same any more');
    });
}
