import { userInfo } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import type { GateResult__Output } from '../../../proto/gen/automed/models/v1/GateResult';
import type { MetricGate } from '../../../proto/gen/automed/models/v1/MetricGate';
import type { PromoteModelRequest } from '../../../proto/gen/automed/models/v1/PromoteModelRequest';
import type { Promotion__Output } from '../../../proto/gen/automed/models/v1/Promotion';
import { collect, type AutomedClient } from '../../client';
import { UsageError } from '../program/errors';
import { printJson, printLine } from '../../terminal/print';
import { score, table } from '../../terminal/table';
import { withTraining, type ConnectOptions } from '../program/session';
import { connected, number, whole } from './options';

interface PromoteOptions extends ConnectOptions {
  alias: string;
  gate: MetricGate[];
  evaluation?: string;
  agreement?: number;
  minImages?: number;
  force?: boolean;
  reason?: string;
  json?: boolean;
}

/** Parser of `mdsc>=0.8` and `hd95_px<=5`, as often as it is given; names of classes may have blanks. */
export function gateOf(text: string, before: MetricGate[] = []): MetricGate[] {
  const [, metric, sign, digits = ''] = /^\s*([^<>=]*[^\s<>=])\s*([<>]=)\s*(\S+)\s*$/.exec(text) ?? [];
  const bound = Number(digits);
  if (metric === undefined || digits === '' || !Number.isFinite(bound)) {
    throw new InvalidArgumentError(
      'it must be SCORE>=NUMBER, e.g. mdsc>=0.8, or SCORE<=NUMBER, e.g. hd95_px<=5 (quoted: the shell reads > itself).',
    );
  }
  return [...before, sign === '>=' ? { metric, minimum: bound } : { metric, maximum: bound }];
}

export function promoteCommand(): Command {
  return connected(new Command('promote'))
    .description('point an alias at a version that passes its gates, and record it')
    .argument('<model>', 'NAME@VERSION, or NAME for the latest')
    .requiredOption('--alias <alias>', 'e.g. production')
    .option(
      '--gate <gate>',
      'SCORE>=NUMBER that it must reach, e.g. "mdsc>=0.8", or SCORE<=NUMBER, e.g. "hd95_px<=5"; repeatable',
      gateOf,
      [],
    )
    .option('--evaluation <id>', 'take the scores from this evaluation instead of those recorded at training')
    .option(
      '--agreement <share>',
      'how alike it must answer to the version in place, on the images of the evaluation: mean Dice, or share of same class',
      number({ min: 0, max: 1 }),
    )
    .option('--min-images <count>', 'unseen images that each gate must rest on (default: 10)', whole(1))
    .option('--force', 'whatever the gates say; needs --reason')
    .option('--reason <text>', 'for the record')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: PromoteOptions) => {
      if (options.agreement !== undefined && options.evaluation === undefined) {
        throw new UsageError('--agreement is measured on the images of an evaluation: name one with --evaluation');
      }
      const promotion = await withTraining(options, ({ promotions }) => promotions.promote(requestOf(model, options)));
      show(promotion, options);
    });
}

/** Moves an alias past all gates, which the record shows. */
export async function forcePromotion(
  model: string,
  alias: string,
  reason: string,
  options: ConnectOptions,
): Promise<void> {
  const request = { model, alias, gates: [], force: true, reason, requestedBy: user() };
  await withTraining(options, ({ promotions }) => promotions.promote(request));
}

export function rollbackCommand(): Command {
  return connected(new Command('rollback'))
    .description('point an alias back at what it named before its latest promotion')
    .argument('<name>', 'name of the model, without version')
    .requiredOption('--alias <alias>', 'e.g. production')
    .option('--reason <text>', 'for the record')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: PromoteOptions) => {
      const { alias, reason = '' } = options;
      const request = { model, alias, reason, requestedBy: user() };
      show(await withTraining(options, ({ promotions }) => promotions.rollback(request)), options);
    });
}

export function promotionsCommand(): Command {
  return connected(new Command('promotions'))
    .description('list what was promoted, refused and taken back, the newest first')
    .argument('[name]', 'name of the model, without version (default: all)')
    .option('--alias <alias>', 'only of this alias')
    .option('--json', 'print one JSON document')
    .action(async (name: string | undefined, options: ConnectOptions & { alias?: string; json?: boolean }) => {
      const { alias = '' } = options;
      const list = ({ promotions: client }: AutomedClient) => collect(client.list({ model: name ?? '', alias }));
      const promotions = await withTraining(options, list);
      if (options.json) return printJson({ promotions: promotions.map(promotionJson) });
      if (promotions.length === 0) return printLine('nothing was promoted yet');
      const headings = ['WHEN', 'ALIAS', 'FROM', 'TO', 'STATE', 'GATES', 'BY', 'REASON'];
      printLine(table(headings, promotions.map(row)));
    });
}

function requestOf(model: string, options: PromoteOptions): PromoteModelRequest {
  const { alias, gate, evaluation = '', agreement, minImages, force = false, reason = '' } = options;
  return {
    model,
    alias,
    gates: gate.map((each) => ({ ...each, evaluation })),
    agreement: agreement === undefined ? null : { minimum: agreement, evaluation },
    ...(minImages === undefined ? {} : { minimumImages: minImages }),
    force,
    reason,
    requestedBy: user(),
  };
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // A user id without a name, as containers have it.
  }
}

/** `mdsc 0.8000 >= 0.5`, with why it does not count where it does not. */
function gateText({ metric, measured, minimum, maximum, passed, problem }: GateResult__Output): string {
  const [bound, kept, missed] = maximum === undefined ? [minimum, '>=', '<'] : [maximum, '<=', '>'];
  const within = maximum === undefined ? (measured ?? 0) >= minimum : (measured ?? 0) <= maximum;
  const sign = passed || within ? kept : missed;
  return `${metric} ${measured === undefined ? '-' : score(measured, metric)} ${sign} ${bound}${problem === '' ? '' : ` (${problem})`}`;
}

function show(promotion: Promotion__Output, { json }: { json?: boolean }): void {
  if (json) return printJson(promotionJson(promotion));
  const { model, alias, toVersion, fromVersion, gates, forced } = promotion;
  const before = fromVersion === undefined ? 'new alias' : `was ${model}@${fromVersion}`;
  const measured = [...gates.map(gateText), ...(forced ? ['forced'] : [])];
  printLine(`${model}@${alias} is ${model}@${toVersion} (${[before, ...measured].join('; ')})`);
}

const stateOf = ({ state }: Promotion__Output): string => state.replace('PROMOTION_STATE_', '').toLowerCase();
const kindOf = ({ kind }: Promotion__Output): string => kind.replace('PROMOTION_KIND_', '').toLowerCase();

function timeOf(time: Promotion__Output['createTime']): string | null {
  return time === null ? null : new Date(Number(time.seconds) * 1000 + time.nanos / 1e6).toISOString();
}

function row(promotion: Promotion__Output): string[] {
  const { model, alias, fromVersion, toVersion, gates, forced, requestedBy, reason } = promotion;
  const state = kindOf(promotion) === 'rollback' ? `${stateOf(promotion)} (rollback)` : stateOf(promotion);
  return [
    timeOf(promotion.createTime)?.slice(0, 19) ?? '-',
    `${model}@${alias}`,
    fromVersion === undefined ? '-' : String(fromVersion),
    String(toVersion),
    forced ? `${state}, forced` : state,
    gates.map(gateText).join(', ') || '-',
    requestedBy || '-',
    reason || '-',
  ];
}

function promotionJson(promotion: Promotion__Output): Record<string, unknown> {
  const { id, model, alias, fromVersion, toVersion, gates, forced, reason, requestedBy } = promotion;
  return {
    id,
    kind: kindOf(promotion),
    state: stateOf(promotion),
    model,
    alias,
    from_version: fromVersion ?? null,
    to_version: toVersion,
    gates: gates.map(({ metric, minimum, maximum, measured, evaluation, passed, imageCount, problem }) => ({
      metric,
      minimum,
      maximum: maximum ?? null,
      measured: measured ?? null,
      evaluation: evaluation || null,
      passed,
      image_count: imageCount,
      problem: problem === '' ? null : problem,
    })),
    forced,
    reason,
    requested_by: requestedBy,
    create_time: timeOf(promotion.createTime),
    end_time: timeOf(promotion.endTime),
  };
}
