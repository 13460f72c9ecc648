import { Command } from 'commander';
import type { Base__Output } from '../../../proto/gen/automed/models/v1/Base';
import { printJson, printLine } from '../output/print';
import { byteSize, table } from '../output/table';
import { withClient, type ConnectOptions } from '../stack/session';
import { connected, examples } from './options';

export function basesCommand(): Command {
  const command = new Command('bases').description('create and list bases: the encoders that models stand on');
  command.addCommand(listCommand());
  return examples(command, ['automed bases create tiny --arch tiny --seed 1', 'automed bases list']);
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list every version of every base')
    .option('--json', 'print one JSON document')
    .action(async (options: ConnectOptions & { json?: boolean }) => {
      const bases = await withClient(options, (client) => client.listBases());
      if (options.json) return printJson({ bases: bases.map(baseJson) });
      if (bases.length === 0)
        return printLine('no bases yet; `automed bases create tiny --arch tiny` makes a small one');
      const row = (base: Base__Output): string[] => [
        `${base.name}@${base.version}`,
        byteSize(Number(base.weightsBytes)),
        base.weightsSha256.slice(0, 12),
      ];
      printLine(table(['BASE', 'SIZE', 'SHA256'], bases.map(row)));
    });
}

function baseJson(base: Base__Output): object {
  return {
    name: base.name,
    version: base.version,
    weights_sha256: base.weightsSha256,
    weights_bytes: Number(base.weightsBytes),
    loaded: base.loaded,
    architecture: base.architectureJson === '' ? null : (JSON.parse(base.architectureJson) as unknown),
  };
}
