// `report` of jobs, evaluations and models: the same command on what each of them left.

import type { Command } from 'commander';
import type { ReportSubject } from '../../../proto/gen/automed/reports/v1/ReportSubject';
import type { AutomedClient } from '../../client';
import { UsageError } from '../program/errors';
import { printJson, printLine } from '../../terminal/print';
import { byteSize, table } from '../../terminal/table';

interface ReportOptions {
  out?: string;
  file: string;
  list?: boolean;
  json?: boolean;
}

/** Connects to a service, which may be one of the command's own. */
type Connect<O> = <T>(options: O, work: (client: AutomedClient) => Promise<T>) => Promise<T>;

/**
 * Adds options and action of a `report` command.
 * @param command takes one argument, which names the subject, and has the options that `connect` needs
 */
export function reportCommand<O>(
  command: Command,
  subjectOf: (argument: string) => ReportSubject,
  connect: Connect<O>,
): Command {
  return command
    .description('fetch the report: one HTML file that needs no other, its figures, scores and model card')
    .option('--out <file>', 'where to write it')
    .option('--file <name>', 'which file of the report, see --list', 'report.html')
    .option('--list', 'list the files instead')
    .option('--json', 'print one JSON document')
    .action(async (argument: string, options: ReportOptions & O) => {
      const { out, file: name, list, json } = options;
      if ((out === undefined) === (list !== true)) throw new UsageError('give either --out FILE or --list');
      const subject = subjectOf(argument);
      await connect(options, async ({ reports }) => {
        const files = out === undefined ? await reports.list(subject) : [await reports.save(subject, out, name)];
        const rows = files.map((file) => ({ name: file.name, bytes: Number(file.sizeBytes), type: file.mediaType }));
        if (json) printJson(out === undefined ? { files: rows } : { ...rows[0], out });
        else if (out !== undefined) printLine(out);
        else
          printLine(
            table(
              ['FILE', 'SIZE', 'TYPE'],
              rows.map(({ name: file, bytes, type }) => [file, byteSize(bytes), type]),
            ),
          );
      });
    });
}
