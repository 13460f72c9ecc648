// What callers do with data sets.

import { rm, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { automedError } from '../../../common/errors';
import { nameSchema, type Task } from '../../../store';
import type { TrainSpec } from '../../../worker/protocol/protocol';
import { datasetSourceSchema, type DatasetSource } from '../../../datasets/samples/data-selection';
import type { Job } from '../jobs/job';
import type { JobQueue } from '../jobs/queue';
import { isFinal } from '../jobs/state';
import { stateText } from '../jobs/waiting';
import { LAYOUT_NAMES } from '../../../datasets/layouts/read-data';
import type { DatasetReport } from '../../../checks/dataset-report';
import { DATASET_CHECK, type DatasetCheckSpec } from './check-kind';
import { referenceOf, type Dataset, type DatasetFilter, type DatasetRecord, type DatasetTable } from './dataset';
import { digestsPath } from '../../../checks/digests';
import { cacheFolder, isObjectLocation, parseObjectLocation } from '../../../datasets/files/object-store';

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;
/** A check goes before trainings that wait: they may need it. */
const PRIORITY = 1;
/** Events of a check that progress is looked for in; it tells fewer. */
const EVENTS = 1000;

export interface Page {
  pageSize: number;
  pageToken: string;
}

/** What a training takes over from the data set that it names. */
export type DatasetFields = Pick<
  TrainSpec,
  'data' | 'layout' | 'structures' | 'groupColumn' | 'columns' | 'eachMask' | 'maskValues' | 'intensity' | 'dataset'
>;

export class DatasetRegistry {
  /**
   * @param home root of the store, which digests are kept below
   * @param waitsFor what a job that waits waits for, as a sentence; empty for one that does not
   */
  constructor(
    private readonly table: DatasetTable,
    private readonly queue: JobQueue,
    private readonly home: string,
    private readonly waitsFor: (job: Job) => string,
  ) {}

  /** @throws InvalidInputError that names the field; NotFoundError when there is nothing at the location */
  async register(name: string, source: unknown, requestId: string): Promise<Dataset> {
    if (!nameSchema.safeParse(name).success) {
      throw automedError(
        'INVALID_ARGUMENT',
        'The name must be 1 to 63 of a-z 0-9 - _ . and begin with a letter or digit.',
        { field: 'spec.name' },
      );
    }
    const checked = await checkSource(source);
    const { record, created } = this.table.insert(name, checked, requestId === '' ? null : requestId);
    if (!created && !isDeepStrictEqual([record.name, record.source], [name, checked])) {
      throw automedError(
        'INVALID_ARGUMENT',
        `The request id ${JSON.stringify(requestId)} was used for ${referenceOf(record)}, which was asked for differently.`,
        { field: 'request_id' },
      );
    }
    return this.view(record);
  }

  get(reference: string): Dataset {
    return this.view(this.find(reference));
  }

  list(filter: DatasetFilter, { pageSize, pageToken }: Page): { datasets: Dataset[]; nextPageToken: string } {
    if (pageSize < 0 || pageSize > MAX_PAGE) {
      throw automedError('INVALID_ARGUMENT', `A page size of ${pageSize} is outside [0, ${MAX_PAGE}].`, {
        field: 'page_size',
      });
    }
    if (!/^\d{0,15}$/.test(pageToken)) {
      throw automedError('INVALID_ARGUMENT', 'The page token is not one of this list.', { field: 'page_token' });
    }
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize;
    const records = this.table.list(filter, size + 1, pageToken === '' ? undefined : Number(pageToken));
    const page = records.slice(0, size);
    return {
      datasets: page.map((record) => this.view(record)),
      nextPageToken: records.length > size ? String(page.at(-1)?.number ?? '') : '',
    };
  }

  /** Queues a check unless one is queued or under way. */
  validate(reference: string): Dataset {
    const record = this.find(reference);
    if (this.view(record).state === 'CHECKING') return this.view(record);
    const { name, version, source } = record;
    const spec: DatasetCheckSpec = { name, version, source };
    const { id } = this.queue.create({
      kind: DATASET_CHECK,
      requestId: '',
      spec,
      name: referenceOf(record),
      task: source.task,
      priority: PRIORITY,
    });
    this.table.setCheck(record.number, id);
    return this.view({ ...record, checkJob: id });
  }

  /** @throws IllegalStateError while it is checked */
  async remove(reference: string): Promise<void> {
    if (!reference.includes('@')) {
      throw automedError('INVALID_ARGUMENT', 'Name the version that is to be forgotten, as in polyps@2.', {
        field: 'dataset',
      });
    }
    const record = this.find(reference);
    if (this.view(record).state === 'CHECKING') {
      throw automedError('ILLEGAL_STATE', `${referenceOf(record)} is being checked; wait until it is done.`, {
        field: 'dataset',
      });
    }
    this.table.remove(record.number);
    if (record.checkJob !== null) this.queue.delete(DATASET_CHECK, record.checkJob);
    await rm(digestsPath(this.home, record.name, record.version), { force: true });
    // Only ever a copy that this service made.
    const copy = cacheFolder(this.home, record.name, record.version);
    await rm(copy, { recursive: true, force: true });
    await rm(`${copy}.lock`, { force: true });
  }

  /**
   * What a training on the data set is to read.
   * @throws IllegalStateError (field `spec.dataset`) unless it passed its check, or `allowDataProblems` and a check came to an end
   */
  forTraining(reference: string, task: Task, allowDataProblems: boolean): DatasetFields {
    const dataset = this.get(reference);
    const name = referenceOf(dataset);
    const refused = (why: string): Error =>
      automedError('ILLEGAL_STATE', `The data set ${name} ${why}`, { field: 'spec.dataset' });
    if (dataset.source.task !== task) {
      throw automedError('WRONG_TASK', `The data set ${name} is for ${dataset.source.task}, not for ${task}.`, {
        field: 'spec.dataset',
      });
    }
    if (dataset.state === 'REGISTERED') throw refused('was not checked yet; validate it first.');
    if (dataset.state === 'CHECKING') throw refused('is being checked; wait until it is done.');
    if (dataset.state === 'REJECTED' && !(allowDataProblems && dataset.report)) {
      throw refused(`was rejected: ${dataset.message}`);
    }
    const { location, structures, groupColumn, columns, eachMask, maskValues, intensity } = dataset.source;
    const copied = isObjectLocation(location);
    return {
      data: copied ? cacheFolder(this.home, dataset.name, dataset.version) : location,
      layout: dataset.report?.layout,
      eachMask,
      ...(structures ? { structures } : {}),
      ...(groupColumn === undefined ? {} : { groupColumn }),
      ...(columns ? { columns } : {}),
      ...(maskValues === undefined ? {} : { maskValues }),
      ...(intensity === undefined ? {} : { intensity }),
      dataset: {
        reference: name,
        digests: digestsPath(this.home, dataset.name, dataset.version),
        ...(copied ? { copyOf: location } : {}),
      },
    };
  }

  private find(reference: string): DatasetRecord {
    const match = /^([^@]+)(?:@(\d{1,9}))?$/.exec(reference);
    const [, name = '', version] = match ?? [];
    const record = this.table.find(name, version === undefined ? undefined : Number(version));
    if (record) return record;
    throw automedError('NOT_FOUND', `There is no data set ${JSON.stringify(reference)}.`, { field: 'dataset' });
  }

  private view(record: DatasetRecord): Dataset {
    const blank: Dataset = {
      ...record,
      state: 'REGISTERED',
      message: '',
      report: null,
      checkTime: null,
      progress: null,
    };
    if (record.checkJob === null) return blank;
    return { ...blank, ...this.afterCheck(this.queue.get(DATASET_CHECK, record.checkJob)) };
  }

  /** What a job that checks says of its data set. */
  private afterCheck(job: Job): Partial<Dataset> {
    if (!isFinal(job.state)) {
      const message = stateText(job, this.waitsFor(job));
      return { state: 'CHECKING', message, progress: this.progressOf(job.id) };
    }
    const checkTime = job.endTime;
    if (job.state === 'CANCELLED') return { message: 'Its check was cancelled.' };
    if (job.state !== 'SUCCEEDED') return { state: 'REJECTED', message: job.stateMessage, checkTime };
    const report = job.result?.metrics as unknown as DatasetReport;
    const errors = report.findings.filter(({ severity }) => severity === 'error');
    if (errors.length === 0) return { state: 'READY', report, checkTime };
    const [first] = errors;
    const more = errors.length > 1 ? `, and ${errors.length - 1} more findings` : '';
    return { state: 'REJECTED', message: `${first?.message}${more}.`, report, checkTime };
  }

  private progressOf(job: string): Dataset['progress'] {
    const last = this.queue.events(job, 0, EVENTS).findLast(({ event }) => event.type === 'preparing')?.event;
    return last?.type === 'preparing' ? { done: last.done, total: last.total } : null;
  }
}

async function checkSource(source: unknown): Promise<DatasetSource> {
  const parsed = datasetSourceSchema.safeParse(source);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = ['spec', ...(issue?.path ?? [])].join('.').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    throw automedError('INVALID_ARGUMENT', `${path}: ${issue?.message}.`, { field: path });
  }
  const { location, layout } = parsed.data;
  if (layout !== undefined && !LAYOUT_NAMES.includes(layout)) {
    throw automedError('INVALID_ARGUMENT', `There is no layout "${layout}"; known are ${LAYOUT_NAMES.join(', ')}.`, {
      field: 'spec.layout',
    });
  }
  if (isObjectLocation(location)) {
    parseObjectLocation(location);
    return JSON.parse(JSON.stringify(parsed.data)) as DatasetSource;
  }
  if (!isAbsolute(location)) {
    throw automedError('INVALID_ARGUMENT', 'The location must be an absolute path on the machine of the service.', {
      field: 'spec.location',
    });
  }
  await stat(location).catch((cause: unknown) => {
    throw automedError('NOT_FOUND', 'There is no folder and no file at the location.', {
      field: 'spec.location',
      cause,
    });
  });
  // As the table keeps it: without what is undefined.
  return JSON.parse(JSON.stringify(parsed.data)) as DatasetSource;
}
