// What a store holds that nobody needs any more. Found first, and deleted only by who has seen it.

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { automedError } from '../common/errors';
import { ENDED_JOBS, readTrainingFacts, type TrainingFacts } from './databases';
import { filesBelow, isWrittenNow } from './durable';
import { jobNeeds, type JobNeeds } from './job-needs';
import { ModelStore, type StoredBase, type StoredModel } from './model-store';
import type { ObjectSettings } from './objects/remote-store';
import { referenceOf } from './references';

/** In the folder of a store whose jobs are not in its training.db. */
export const ELSEWHERE_MARK = '.jobs-elsewhere';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HALF_WRITTEN = 'half written, and left behind';
/** A job's id, as the queue draws it; folders of other names are not the queue's. */
const JOB_ID = /^(?:job-)?([0-9a-f]{16})$/;

export interface RetentionPolicy {
  /** Newest versions of each model that stay, at least 1; undefined: all of them. */
  keepVersions: number | undefined;
  /** Versions that had an alias within these days stay. */
  promotedDays: number;
}

export interface Garbage {
  kind: 'model' | 'base' | 'temporary' | 'upload' | 'job' | 'preview' | 'evaluation';
  /** `polyp@1`, or the path within the store. */
  name: string;
  reason: string;
  bytes: number;
}

async function sizeOf(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isDirectory()) return facts?.size ?? 0;
  let bytes = 0;
  for await (const file of filesBelow(path)) bytes += (await stat(file).catch(() => undefined))?.size ?? 0;
  return bytes;
}

/** Versions beyond the newest ones, without alias now and within the days before. */
async function surplusModels(
  store: ModelStore,
  models: readonly StoredModel[],
  { keepVersions, promotedDays }: RetentionPolicy,
  { facts, needs }: { facts: TrainingFacts | undefined } & JobNeeds,
): Promise<StoredModel[]> {
  if (keepVersions === undefined) return [];
  const surplus: StoredModel[] = [];
  const since = Date.now() - promotedDays * DAY_MS;
  for (const name of new Set(models.map(({ manifest }) => manifest.name))) {
    const aliased = new Set(Object.values(await store.aliases(name)));
    const versions = models.filter(({ manifest }) => manifest.name === name);
    for (const model of versions.slice(0, -keepVersions)) {
      const promoted = facts?.promoted.get(referenceOf(model)) ?? -Infinity;
      if (!aliased.has(model.manifest.version) && promoted < since && !needs(model)) surplus.push(model);
    }
  }
  return surplus;
}

/**
 * Bases that training made for models which are not there: they were deleted, or a training died between the two, which a resumed
 * one makes good.
 */
export function basesWithoutModel(bases: readonly StoredBase[], models: readonly StoredModel[]): StoredBase[] {
  const used = new Set(models.map(({ manifest }) => `${manifest.base.name}@${manifest.base.version}`));
  return bases.filter((base) => {
    const { trainedFrom, training } = base.manifest;
    return trainedFrom !== undefined && training?.['system'] !== 'interactive' && !used.has(referenceOf(base));
  });
}

/**
 * Bases that training made for models which are gone. Bases that were imported, created, or trained to be used by themselves
 * stay, and so does what a job needs, and what was made within the day: its model may be on the way.
 */
function unusedBases(
  bases: readonly StoredBase[],
  kept: readonly StoredModel[],
  needs: JobNeeds['needs'],
): StoredBase[] {
  const old = ({ manifest }: StoredBase): boolean => Date.parse(manifest.created) < Date.now() - DAY_MS;
  return basesWithoutModel(bases, kept).filter((base) => !needs(base) && old(base));
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function temporaries(root: string): Promise<Garbage[]> {
  const found: Garbage[] = [];
  const parents = ['evaluations'];
  for (const kind of ['models', 'bases', 'backbones']) {
    parents.push(kind, ...(await foldersIn(join(root, kind))).map((name) => `${kind}/${name}`));
  }
  for (const parent of parents) {
    for (const entry of await readdir(join(root, parent)).catch(() => [])) {
      if (!entry.startsWith('.incoming-') || isWrittenNow(entry)) continue;
      const path = join(root, parent, entry);
      const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
      if (age < HOUR_MS) continue;
      found.push({ kind: 'temporary', name: `${parent}/${entry}`, reason: HALF_WRITTEN, bytes: await sizeOf(path) });
    }
  }
  return found;
}

/** Folders of the queue's jobs and evaluations that the queue does not need. */
async function leftOfJobs(root: string, { jobs }: TrainingFacts): Promise<Garbage[]> {
  const found: Garbage[] = [];
  const parents = [
    ['jobs', 'job'],
    ['previews', 'preview'],
    ['evaluations', 'evaluation'],
  ] as const;
  for (const [parent, kind] of parents) {
    for (const folder of await foldersIn(join(root, parent))) {
      const id = JOB_ID.exec(folder)?.[1];
      if (id === undefined) continue;
      const state = jobs.get(id);
      const ended = kind === 'job' && state !== undefined && ENDED_JOBS.has(state);
      if (state !== undefined && !ended) continue;
      const reason =
        state === undefined
          ? `no ${kind === 'preview' ? 'job' : kind} of this id is known`
          : `its job has ended (${state})`;
      found.push({ kind, name: `${parent}/${folder}`, reason, bytes: await sizeOf(join(root, parent, folder)) });
    }
  }
  return found;
}

/**
 * What jobs need; undefined where there never was one.
 * @throws IllegalStateError where that is not known: jobs are in PostgreSQL, or in the folder of another machine
 */
async function trainingFacts(root: string, objects: ObjectSettings | undefined): Promise<TrainingFacts | undefined> {
  const inPostgres = await stat(join(root, ELSEWHERE_MARK)).catch(() => undefined);
  const facts = inPostgres ? undefined : readTrainingFacts(root);
  if (facts || (!inPostgres && !objects)) return facts;
  const where = inPostgres
    ? 'The jobs of this store are in PostgreSQL'
    : `${root} has no training.db, and the models in the object store may be those of a training service elsewhere`;
  const advice = inPostgres ? 'delete versions one by one' : 'run it on the home of that service';
  throw automedError('ILLEGAL_STATE', `${where}, so that it cannot be seen what jobs need; ${advice}.`, {
    field: 'home',
  });
}

/**
 * Everything that may go under a policy. Changes nothing.
 * @throws IllegalStateError where it cannot be seen what jobs need
 */
export async function findGarbage(root: string, policy: RetentionPolicy, objects?: ObjectSettings): Promise<Garbage[]> {
  const unread: unknown[] = [];
  const store = await ModelStore.existing(root, { objects, onProblem: (error) => unread.push(error) });
  const models = await store.listModels();
  // A model that cannot be read may stand on any base.
  const bases = unread.length > 0 ? [] : await store.listBases();
  const facts = await trainingFacts(store.root, objects);
  const { needs } = await jobNeeds(store, facts);
  const surplus = await surplusModels(store, models, policy, { facts, needs });
  const kept = models.filter((model) => !surplus.includes(model));
  const versions = async (kind: 'model' | 'base', list: readonly (StoredModel | StoredBase)[], reason: string) =>
    Promise.all(
      list.map(async (each) => ({
        kind,
        name: referenceOf(each),
        reason,
        bytes: each.fetch ? each.manifest.weights.bytes : await sizeOf(each.folder),
      })),
    );
  return [
    ...(await versions('model', surplus, `older than the newest ${policy.keepVersions}, without alias`)),
    ...(await versions('base', unusedBases(bases, kept, needs), 'no model stands on it')),
    ...(await temporaries(store.root)),
    ...((await store.abandoned?.find()) ?? []).map(({ place, bytes }) => ({
      kind: 'upload' as const,
      name: place,
      reason: HALF_WRITTEN,
      bytes,
    })),
    ...(facts ? await leftOfJobs(store.root, facts) : []),
  ];
}

/** Whether a job that was created since needs a version. */
async function neededNow(store: ModelStore, version: StoredModel | StoredBase): Promise<boolean> {
  return (await jobNeeds(store, readTrainingFacts(store.root))).needs(version);
}

/** Deletes what findGarbage() found; a version that has an alias or a job by now stays. Resolves to what is gone. */
export async function deleteGarbage(
  root: string,
  garbage: readonly Garbage[],
  objects?: ObjectSettings,
): Promise<Garbage[]> {
  const store = await ModelStore.open(root, { objects });
  const gone: Garbage[] = [];
  for (const item of garbage) {
    const [name = '', version] = item.name.split('@');
    if (item.kind === 'model') {
      if (Object.values(await store.aliases(name)).includes(Number(version))) continue;
      if (await neededNow(store, await store.resolveModel(item.name))) continue;
      await store.deleteModel(name, Number(version));
    } else if (item.kind === 'base') {
      if (await neededNow(store, await store.resolveBase(item.name))) continue;
      await store.deleteBase(name, Number(version));
    } else if (item.kind === 'upload') {
      if (!(await store.abandoned?.remove(item.name))) continue;
    } else await rm(join(store.root, item.name), { recursive: true, force: true });
    gone.push(item);
  }
  return gone;
}
