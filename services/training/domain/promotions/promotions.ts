// Moves aliases under gates, with a record that agrees with the alias whenever the process dies.

import { randomUUID } from 'node:crypto';
import { type AutomedError, automedError } from '../../../common/errors';
import { aliasSchema, nameSchema, type StoredModel } from '../../../store';
import { checkBound, describeRefusal, measureAgreement, measureMetric } from './gates';
import { versionBefore } from './history';
import type {
  AgreementGate,
  Aliases,
  Evaluations,
  GateResult,
  MeasureAgreement,
  MetricGate,
  Promotion,
  PromotionDraft,
  PromotionFilter,
  PromotionLog,
} from './promotion';
import { KeyedLock } from '../keyed-lock';

interface Caller {
  reason: string;
  requestedBy: string;
  /** Empty: the request is not repeatable. */
  requestId: string;
}

export interface PromoteCommand extends Caller {
  /** `name@3`, or `name` for the latest. */
  model: string;
  alias: string;
  gates: MetricGate[];
  agreement: AgreementGate | undefined;
  /** Images that each gate must rest on, at least 1; default: MINIMUM_IMAGES. */
  minimumImages?: number | undefined;
  force: boolean;
}

export interface RollbackCommand extends Caller {
  /** Name without version. */
  model: string;
  alias: string;
}

export interface PromotionDependencies {
  log: PromotionLog;
  aliases: Aliases;
  evaluations: Evaluations;
  measureAgreement: MeasureAgreement;
}

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

/**
 * Each move is written down before it happens (PENDING), then the alias is switched, then the record says DONE. One move per
 * alias at a time.
 */
export class Promotions {
  private readonly lock = new KeyedLock();

  constructor(private readonly dependencies: PromotionDependencies) {}

  /**
   * Settles what a killed process left: DONE where the alias had moved, else ABANDONED; the alias itself is not touched,
   * because whoever asked has heard of a failure since. Then makes sure that nobody else moves what was ever promoted.
   */
  async reconcile(): Promise<Promotion[]> {
    const { log, aliases } = this.dependencies;
    const settled: Promotion[] = [];
    for (const { id, model, alias, toVersion } of log.pending()) {
      const current = (await aliases.aliases(model))[alias];
      settled.push(log.settle(id, current === toVersion ? 'DONE' : 'ABANDONED'));
    }
    for (const { model, alias } of log.moved()) {
      // Of a model that was deleted altogether nothing is left to guard.
      if (Object.hasOwn(await aliases.aliases(model), alias)) await aliases.reserveAlias(model, alias);
    }
    return settled;
  }

  /** @throws IllegalStateError when a gate holds the version back; the refusal is recorded */
  async promote(command: PromoteCommand, signal: AbortSignal): Promise<Promotion> {
    checkCaller(command);
    checkAlias(command.alias);
    if (/@.*[^\d]/.test(command.model)) {
      const text = 'Promote a version: NAME@VERSION, or NAME for the latest one.';
      throw automedError('INVALID_ARGUMENT', text, { field: 'model' });
    }
    checkGates(command);
    const { aliases } = this.dependencies;
    const candidate = await aliases.resolveModel(command.model);
    await aliases.verify(candidate);
    const { name, version } = candidate.manifest;
    return this.lock.run(`${name}@${command.alias}`, async () => {
      const subject = { kind: 'promotion', model: name, alias: command.alias, toVersion: version } as const;
      const before = this.repeated(command, subject);
      if (before) return before;
      const current = (await aliases.aliases(name))[command.alias];
      if (current === version) {
        throw automedError('ILLEGAL_STATE', `${name}@${command.alias} is ${name}@${version} already.`, {
          field: 'model',
        });
      }
      const gates = await this.measure(command, candidate, current, signal);
      const draft = { ...draftOf(command, subject, current), gates, forced: command.force };
      if (!command.force && gates.some(({ passed }) => !passed)) {
        throw refusal(this.dependencies.log.insert(draft, 'REFUSED'));
      }
      return this.move(draft);
    });
  }

  /** @throws IllegalStateError when there is nothing to go back to */
  async rollback(command: RollbackCommand): Promise<Promotion> {
    checkCaller(command);
    checkAlias(command.alias);
    const { model: name, alias } = command;
    if (!nameSchema.safeParse(name).success) {
      const text = 'An alias belongs to a name: give the model without its version.';
      throw automedError('INVALID_ARGUMENT', text, { field: 'model' });
    }
    const { log, aliases } = this.dependencies;
    return this.lock.run(`${name}@${alias}`, async () => {
      const before = this.repeated(command, { kind: 'rollback', model: name, alias });
      if (before) return before;
      const current = (await aliases.resolveModel(`${name}@${alias}`)).manifest.version;
      const target = versionBefore(log.done(name, alias), current);
      if (target === undefined) {
        const text = `Nothing is recorded of what ${name}@${alias} named before ${name}@${current}.`;
        throw automedError('ILLEGAL_STATE', text, { field: 'alias' });
      }
      await aliases.verify(await aliases.resolveModel(`${name}@${target}`));
      const subject = { kind: 'rollback', model: name, alias, toVersion: target } as const;
      return this.move({ ...draftOf(command, subject, current), gates: [], forced: false });
    });
  }

  list(filter: PromotionFilter, page: { size: number; token: string }): { items: Promotion[]; nextPageToken: string } {
    const { size, token } = page;
    if (size < 0 || size > MAX_PAGE) {
      const text = `A page size of ${size} is outside [0, ${MAX_PAGE}].`;
      throw automedError('INVALID_ARGUMENT', text, { field: 'page_size' });
    }
    const limit = size === 0 ? DEFAULT_PAGE : size;
    const before = token === '' ? undefined : Buffer.from(token, 'base64url').toString('utf8');
    const found = this.dependencies.log.list(filter, limit + 1, before);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const nextPageToken = found.length > limit && last ? Buffer.from(last.id).toString('base64url') : '';
    return { items, nextPageToken };
  }

  private async measure(
    { gates, agreement, minimumImages }: PromoteCommand,
    candidate: StoredModel,
    currentVersion: number | undefined,
    signal: AbortSignal,
  ): Promise<GateResult[]> {
    const { aliases, evaluations, measureAgreement: measure } = this.dependencies;
    const results: GateResult[] = [];
    for (const [index, gate] of gates.entries()) {
      results.push(await measureMetric(gate, `gates[${index}]`, { candidate, minimumImages }, evaluations));
    }
    // The scores are at hand; running two models is not worth it for a version that they hold back.
    if (agreement === undefined || results.some(({ passed }) => !passed)) return results;
    const reference = `${candidate.manifest.name}@${currentVersion}`;
    const current = currentVersion === undefined ? undefined : await aliases.resolveModel(reference);
    const evaluation = agreement.evaluation || (gates.find((gate) => gate.evaluation !== '')?.evaluation ?? '');
    if (evaluation === '') {
      const text = 'Agreement is measured on the images of an evaluation: name one.';
      throw automedError('INVALID_ARGUMENT', text, { field: 'agreement.evaluation' });
    }
    const versions = { candidate, current, minimumImages };
    return [...results, await measureAgreement({ ...agreement, evaluation }, versions, measure, signal)];
  }

  private async move(draft: PromotionDraft): Promise<Promotion> {
    const { log, aliases } = this.dependencies;
    const { model, alias, toVersion, fromVersion } = draft;
    // Measuring may have taken minutes, and others move aliases, too.
    const current = (await aliases.aliases(model))[alias] ?? null;
    if (current !== fromVersion) {
      const text = `${model}@${alias} was moved to ${model}@${current} meanwhile; look at it and ask again.`;
      throw automedError('ILLEGAL_STATE', text, { field: 'alias' });
    }
    const { id } = log.insert(draft, 'PENDING');
    try {
      await aliases.reserveAlias(model, alias);
      await aliases.setAlias(model, alias, toVersion);
    } catch (error) {
      const moved = (await aliases.aliases(model))[alias] === toVersion;
      log.settle(id, moved ? 'DONE' : 'ABANDONED');
      throw error;
    }
    return log.settle(id, 'DONE');
  }

  /** What an earlier request with the same id came to; undefined when it is the first, or when that one was cut off. */
  private repeated({ requestId }: Caller, subject: Partial<PromotionDraft>): Promotion | undefined {
    const before = requestId === '' ? undefined : this.dependencies.log.findByRequest(requestId);
    if (!before) return undefined;
    const same = (Object.keys(subject) as (keyof typeof subject)[]).every((key) => before[key] === subject[key]);
    if (!same) {
      const text = `The request id ${requestId} belongs to another request on ${before.model}@${before.alias}.`;
      throw automedError('INVALID_ARGUMENT', text, { field: 'request_id' });
    }
    if (before.state === 'REFUSED') throw refusal(before);
    return before;
  }
}

function refusal({ model, alias, fromVersion, toVersion, gates }: Promotion): AutomedError {
  const stays = fromVersion === null ? 'the alias stays unset' : `${model}@${fromVersion} stays`;
  const text = `${model}@${toVersion} does not become ${model}@${alias}: ${describeRefusal(gates)}; ${stays}.`;
  return automedError('ILLEGAL_STATE', text, { field: 'gates' });
}

function draftOf(
  { reason, requestedBy, requestId }: Caller,
  subject: Pick<PromotionDraft, 'kind' | 'model' | 'alias' | 'toVersion'>,
  current: number | undefined,
): Omit<PromotionDraft, 'gates' | 'forced'> {
  const shared = { reason, requestedBy, requestId: requestId === '' ? null : requestId };
  return { id: randomUUID(), ...subject, fromVersion: current ?? null, ...shared };
}

function checkCaller({ reason, requestedBy, requestId }: Caller): void {
  const invalid = (text: string, field: string): Error => automedError('INVALID_ARGUMENT', text, { field });
  if (reason.length > 1000) throw invalid('A reason may have 1000 characters.', 'reason');
  if (requestedBy.length > 200) throw invalid('A name may have 200 characters.', 'requested_by');
  if (requestId !== '' && !/^[A-Za-z0-9._-]{1,128}$/.test(requestId)) {
    throw invalid('A request id is 1 to 128 of A-Z a-z 0-9 . _ -', 'request_id');
  }
}

function checkAlias(alias: string): void {
  const parsed = aliasSchema.safeParse(alias);
  if (parsed.success) return;
  const text = `The alias ${JSON.stringify(alias)} ${parsed.error.issues[0]?.message ?? 'is malformed'}.`;
  throw automedError('INVALID_ARGUMENT', text, { field: 'alias' });
}

function checkGates({ gates, agreement, minimumImages, force, reason }: PromoteCommand): void {
  const invalid = (text: string, field: string): Error => automedError('INVALID_ARGUMENT', text, { field });
  if (force && reason.trim() === '') throw invalid('To overrule gates needs a reason.', 'reason');
  if (!force && gates.length === 0 && agreement === undefined) {
    throw invalid('A promotion needs a gate, or force with a reason.', 'gates');
  }
  if (gates.length > 32) throw invalid('A promotion has 32 gates at most.', 'gates');
  for (const [index, gate] of gates.entries()) checkBound(gate, `gates[${index}]`);
  if (minimumImages !== undefined && !(Number.isInteger(minimumImages) && minimumImages >= 1)) {
    throw invalid('A gate rests on at least one image.', 'minimum_images');
  }
  if (agreement && !(agreement.minimum >= 0 && agreement.minimum <= 1)) {
    throw invalid(`An agreement of ${agreement.minimum} is outside [0, 1].`, 'agreement.minimum');
  }
}
