import { Command, Option } from 'commander';
import { printJson, printLine } from '../../terminal/print';
import { CliError } from '../program/errors';
import { withServer, type ConnectOptions } from '../program/session';
import { collectStatus } from '../../status/collect';
import { statusLines } from '../../status/status-text';
import { addressOf, examples, number } from './options';

interface StatusOptions extends ConnectOptions {
  metrics?: string[];
  json?: boolean;
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description(
      'tell what runs and how it is: backends, models, queues, jobs; ends with code 1 when something is not well',
    )
    .addOption(
      new Option('--address <host:port>', 'a running gateway (default: the running server of the store)')
        .argParser(addressOf)
        .env('AUTOMED_GATEWAY'),
    )
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--timeout <seconds>', 'what one call may take', number({ min: 0, open: true }), 10)
    .option(
      '--metrics <host:port>',
      'metrics of a program, as often as wanted (default: those of the running server of the store)',
      (text: string, others: string[] = []) => [...others, addressOf(text)],
    )
    .option('--json', 'print one JSON document')
    .action(status);
  return examples(command, [
    'automed status',
    'automed status --address 10.0.0.7:50051 --metrics 10.0.0.7:9464 --json',
  ]);
}

async function status({ metrics, json, ...options }: StatusOptions): Promise<void> {
  const found = await withServer({ ...options, attempts: 1 }, (client, server) =>
    collectStatus(client, server.address, metrics ?? server.metrics ?? []),
  );
  if (json) printJson(found);
  else printLine(statusLines(found).join('\n'));
  const { length } = found.problems;
  if (length > 0) throw new CliError(length === 1 ? '1 thing is not well' : `${length} things are not well`);
}
