import { Command } from 'commander';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import { collect } from '../../client';
import { UsageError } from '../program/errors';
import { lineageOf, lineageText } from '../../terminal/lineage';
import { printJson, printLine } from '../../terminal/print';
import { byteSize, table } from '../../terminal/table';
import { withClient, withTraining, type ConnectOptions } from '../program/session';
import { exportCommand } from './export';
import { connected, examples, whole } from './options';
import { forcePromotion, promoteCommand, promotionsCommand, rollbackCommand } from './promotions';
import { reportCommand } from './reports';

interface ListOptions extends ConnectOptions {
  json?: boolean;
}

export function modelsCommand(): Command {
  const command = new Command('models').description('list, describe, name, promote, export and delete trained models');
  command.addCommand(listCommand());
  command.addCommand(showCommand());
  command.addCommand(aliasCommand());
  command.addCommand(promoteCommand());
  command.addCommand(rollbackCommand());
  command.addCommand(promotionsCommand());
  command.addCommand(exportCommand('model'));
  command.addCommand(
    reportCommand(
      connected(new Command('report').argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS')),
      (model) => ({ model }),
      withTraining,
    ),
  );
  command.addCommand(deleteCommand());
  return examples(command, [
    'automed models list',
    'automed models show polyp@production',
    'automed models alias polyp production --version 3',
    'automed models promote polyp@4 --alias production --gate "mdsc>=0.8"',
    'automed models rollback polyp --alias production --reason "misses flat polyps"',
    'automed models export polyp@production --out polyp.safetensors',
    'automed models report polyp@production --file MODEL_CARD.md --out card.md',
    'automed models delete polyp@1',
  ]);
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list every version of every model')
    .option('--json', 'print one JSON document')
    .action(async (options: ListOptions) => {
      const models = await withClient(options, (client) => collect(client.models.list()));
      if (options.json) return printJson({ models: models.map(modelJson) });
      if (models.length === 0) return printLine('no models yet; `automed train` makes one, `automed demo` shows how');
      printLine(table(['MODEL', 'TASK', 'BASE', 'SCORE', 'SIZE', 'ALIASES', 'CREATED'], models.map(modelRow)));
    });
}

function showCommand(): Command {
  return connected(new Command('show'))
    .description('describe one version of a model, with its lineage')
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .option('--json', 'print one JSON document')
    .action(async (reference: string, options: ListOptions) => {
      const described = await withClient(options, (client) => client.models.get(reference));
      const model = modelJson(described);
      const lineage = lineageOf(described.lineageJson);
      if (options.json) return printJson({ ...model, lineage: lineage ?? null });
      const width = Math.max(...Object.keys(model).map((key) => key.length));
      for (const [key, value] of Object.entries(model)) {
        if (value === null || (Array.isArray(value) && value.length === 0)) continue;
        printLine(`${key.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`);
      }
      if (lineage) printLine(`\n${lineageText(lineage)}`);
    });
}

interface AliasOptions extends ConnectOptions {
  version?: number;
  remove?: boolean;
  force?: boolean;
  reason?: string;
}

function aliasCommand(): Command {
  return connected(new Command('alias'))
    .description('point an alias at a version, or remove it; one that was ever promoted is moved by promotions')
    .argument('<name>', 'name of the model, without version')
    .argument('<alias>', 'e.g. production')
    .option('--version <number>', 'version to point at', whole(1))
    .option('--remove', 'remove the alias; the version stays')
    .option(
      '--force',
      'move it without gates as a promotion on the record, which needs --reason; or remove what was promoted',
    )
    .option('--reason <text>', 'for the record')
    .action(async (name: string, alias: string, options: AliasOptions) => {
      const { version, remove, force = false, reason } = options;
      if ((version === undefined) === (remove !== true)) {
        throw new UsageError('give either --version NUMBER or --remove');
      }
      if (version !== undefined && force) {
        await forcePromotion(`${name}@${version}`, alias, reason ?? '', options);
      } else {
        await withClient(options, async (client) => {
          if (version === undefined) await client.models.deleteAlias(name, alias, { force });
          else await client.models.setAlias(name, alias, version);
        });
      }
      printLine(version === undefined ? `${name}@${alias} is gone` : `${name}@${alias} is ${name}@${version}`);
    });
}

function deleteCommand(): Command {
  return connected(new Command('delete'))
    .description('delete one version (NAME@VERSION), or all versions of a model (NAME --all)')
    .argument('<model>', 'NAME@VERSION, or NAME with --all')
    .option('--all', 'delete every version')
    .action(async (reference: string, options: ConnectOptions & { all?: boolean }) => {
      if (reference.includes('@') === (options.all === true)) {
        throw new UsageError(
          options.all
            ? `--all deletes every version: name the model without one`
            : `name a version (${reference}@1), or say --all`,
        );
      }
      await withClient(options, (client) => client.models.delete(reference));
      printLine(`deleted ${reference}`);
    });
}

function taskOf(model: Model__Output): string {
  return model.task === 'TASK_CLASSIFICATION' ? 'classification' : 'segmentation';
}

/** The metric that a reader asks for first; of the test part where there was one. */
function headline({ metrics }: Model__Output): string {
  for (const key of ['mdsc', 'accuracy']) {
    const value = metrics[`test.${key}`] ?? metrics[`validation.${key}`] ?? metrics[key];
    if (value !== undefined) return `${key} ${value.toFixed(3)}`;
  }
  return '-';
}

function createTime({ createTime: time }: Model__Output): string {
  return time === null ? '-' : new Date(Number(time.seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

function modelRow(model: Model__Output): string[] {
  return [
    `${model.name}@${model.version}`,
    taskOf(model),
    `${model.baseName}@${model.baseVersion}`,
    headline(model),
    byteSize(Number(model.weightsBytes)),
    model.aliases.join(', ') || '-',
    createTime(model),
  ];
}

function modelJson(model: Model__Output): Record<string, unknown> {
  return {
    name: model.name,
    version: model.version,
    task: taskOf(model),
    base: `${model.baseName}@${model.baseVersion}`,
    base_sha256: model.baseSha256,
    weights_sha256: model.weightsSha256,
    weights_bytes: Number(model.weightsBytes),
    structures: model.structures,
    classes: model.classes,
    threshold: model.threshold ?? null,
    aliases: model.aliases,
    metrics: model.metrics,
    create_time: createTime(model),
    loaded: model.loaded,
    architecture: model.architectureJson === '' ? null : (JSON.parse(model.architectureJson) as unknown),
  };
}
