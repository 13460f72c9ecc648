import { Command, Option } from 'commander';
import type { Backbone__Output } from '../../../proto/gen/automed/models/v1/Backbone';
import type { Base__Output } from '../../../proto/gen/automed/models/v1/Base';
import { collect } from '../../client';
import { BASE_ARCHITECTURES } from '../../store';
import { printJson, printLine } from '../../terminal/print';
import { byteSize, table } from '../../terminal/table';
import { withTraining, withClient, type ConnectOptions } from '../program/session';
import { evaluateBaseCommand } from './evaluate-base';
import { exportCommand } from './export';
import { importCommand } from './import';
import { connected, examples, newName, whole } from './options';

export function basesCommand(): Command {
  const command = new Command('bases').description(
    'create, import, export, measure and list bases: the encoders that models stand on',
  );
  command.addCommand(createCommand());
  command.addCommand(importCommand());
  command.addCommand(exportCommand('base'));
  command.addCommand(evaluateBaseCommand());
  command.addCommand(listCommand());
  return examples(command, [
    'automed bases create tiny --arch tiny --seed 1',
    'automed bases import sam-med2d_b.pth --arch sam-med2d-vit-b',
    'automed bases export sam-med2d-vit-b --out sam-med2d-b.safetensors',
    'automed bases evaluate sam-med2d-vit-b --data data/isic2017',
    'automed bases list',
  ]);
}

interface CreateOptions extends ConnectOptions {
  arch: string;
  seed: number;
  json?: boolean;
}

function createCommand(): Command {
  return connected(new Command('create'))
    .description('make a base with random weights')
    .argument('<name>', 'name of the base; an existing one gets a new version', newName)
    .addOption(new Option('--arch <name>').choices(Object.keys(BASE_ARCHITECTURES)).makeOptionMandatory())
    .option('--seed <number>', 'the same seed gives the same weights', whole(0), 0)
    .option('--json', 'print one JSON document')
    .action(async (name: string, { json, ...options }: CreateOptions) => {
      const { arch, seed } = options;
      const { made, home } = await withTraining(
        options,
        async ({ bases }, connection) => ({ made: await bases.create({ name, arch, seed }), home: connection.home }),
        { creates: true },
      );
      const { base, parameterCount, weightsBytes } = made;
      if (json) return printJson({ base, parameters: Number(parameterCount), bytes: Number(weightsBytes) });
      printLine(`created the base ${base} (${arch}, random weights)${home === undefined ? '' : ` in ${home}`}`);
    });
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list every version of every base, and of every backbone that training can start from')
    .option('--json', 'print one JSON document')
    .action(async (options: ConnectOptions & { json?: boolean }) => {
      const [bases, backbones] = await withClient(options, (client) =>
        Promise.all([collect(client.models.listBases()), collect(client.models.listBackbones())]),
      );
      if (options.json) return printJson({ bases: bases.map(baseJson), backbones: backbones.map(backboneJson) });
      if (bases.length === 0) printLine('no bases yet; `automed bases create tiny --arch tiny` makes a small one');
      const row = (base: Base__Output): string[] => [
        `${base.name}@${base.version}`,
        byteSize(Number(base.weightsBytes)),
        base.weightsSha256.slice(0, 12),
        base.randomWeights ? 'random weights' : base.origin,
      ];
      if (bases.length > 0) printLine(table(['BASE', 'SIZE', 'SHA256', 'ORIGIN'], bases.map(row)));
      const backboneRow = (each: Backbone__Output): string[] => [
        `${each.name}@${each.version}`,
        byteSize(Number(each.weightsBytes)),
        each.weightsSha256.slice(0, 12),
        kindWord(each),
      ];
      if (backbones.length > 0) printLine(table(['BACKBONE', 'SIZE', 'SHA256', 'KIND'], backbones.map(backboneRow)));
    });
}

/** `mobilenet-v3-large` or `hardnet-85`, as the store spells it. */
const kindWord = ({ kind }: Backbone__Output): string =>
  kind.replace('BACKBONE_KIND_', '').toLowerCase().replaceAll('_', '-');

function baseJson(base: Base__Output): object {
  return {
    name: base.name,
    version: base.version,
    weights_sha256: base.weightsSha256,
    weights_bytes: Number(base.weightsBytes),
    random_weights: base.randomWeights,
    origin: base.origin,
    loaded: base.loaded,
    architecture: base.architectureJson === '' ? null : (JSON.parse(base.architectureJson) as unknown),
  };
}

function backboneJson(backbone: Backbone__Output): object {
  return {
    name: backbone.name,
    version: backbone.version,
    kind: kindWord(backbone),
    origin: backbone.origin,
    weights_sha256: backbone.weightsSha256,
    weights_bytes: Number(backbone.weightsBytes),
  };
}
