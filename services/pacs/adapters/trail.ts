// Tells the audit trail what the journal knows: who sent what, which model answered by which weights, what went where.

import type { AuditedStudy, AuditEvent, AuditLog, Participant } from '../../audit';
import type { Destination, Site } from '../../pacs-site/schema';
import type { Auditable, AuditableDelivery, AuditableJob, AuditableSeries, OfStudy } from './journal/auditable';
import type { Finished } from './journal/retention';

export interface TrailDeps {
  log: AuditLog;
  auditable: Auditable;
  site: () => Site;
}

/** Looks for new events so often, milliseconds. */
const LOOK_MS = 1_000;
const NAME = 'automed-pacs';

const self = (isRequestor: boolean, role: Participant['role'] = 'application'): Participant => ({
  id: NAME,
  role,
  isRequestor,
});

/** Weights of a context that keptText() wrote; empty of an analysis without an answer. */
function weightsOf(context: string): { alternative?: string; detail?: string } {
  if (context === '' || context === '{}') return {};
  const { model } = JSON.parse(context) as {
    model?: { weightsSha256: string; baseSha256?: string; precision: string; build: string };
  };
  if (!model) return {};
  const { weightsSha256, baseSha256 = 'none', precision, build } = model;
  return { alternative: `sha256:${weightsSha256}`, detail: `base sha256:${baseSha256}, ${precision}, build ${build}` };
}

function addressOf(destination: Destination | undefined): string | undefined {
  if (destination?.kind === 'dicom') return destination.host;
  return destination?.kind === 'dicomweb' ? new URL(destination.url).origin : undefined;
}

/** Writes the trail of a bridge. */
export class Trail {
  private nextLook = -Infinity;

  constructor(private readonly deps: TrailDeps) {}

  /** Writes what is new; resolves to whether anything was. */
  async step(): Promise<boolean> {
    if (performance.now() < this.nextLook) return false;
    const { auditable, log } = this.deps;
    const [series, jobs, deliveries] = [auditable.series(), auditable.jobs(), auditable.deliveries()];
    for (const each of series) {
      await log.write(this.received(each));
      auditable.tellSeries(each);
    }
    for (const each of jobs) {
      const event = this.analysed(each);
      if (event) await log.write(event);
      auditable.tellJob(each);
    }
    for (const each of deliveries) {
      const event = this.sent(each);
      if (event) await log.write(event);
      auditable.tellDelivery(each);
    }
    await log.flush(Date.now());
    this.nextLook = performance.now() + LOOK_MS;
    return false;
  }

  /** A sender who may not. */
  refused(from: { calling: string; called: string; address: string }, reason: string): Promise<void> {
    const participants: Participant[] = [
      { id: from.calling, address: from.address, role: 'source', isRequestor: true },
      self(false, 'destination'),
    ];
    const detail = `${reason}, called ${from.called}`;
    // AE titles are what the sender likes: by a new one each time nobody fills the disk.
    const alike = `${from.address} ${reason}`;
    return this.deps.log.writeCounted({ action: 'refused', outcome: 'failure', participants, detail }, alike);
  }

  /** Written before the study goes. @param outcome `failure`: it stays after all */
  deleted(finished: Finished, outcome: 'success' | 'failure'): Promise<void> {
    const study = this.studyOf(finished);
    return this.deps.log.write({ action: 'deleted', outcome, participants: [self(true)], study });
  }

  /** What a person decided about a study. */
  steered(number: number, detail: string): Promise<void> {
    const participants: Participant[] = [self(true)];
    return this.deps.log.write({
      action: 'steered',
      outcome: 'success',
      participants,
      detail: `${detail} study ${number}`,
    });
  }

  began(action: 'start' | 'stop'): Promise<void> {
    return this.deps.log.write({ action, outcome: 'success', participants: [self(true)] });
  }

  /** Writes what is new and what was counted, and that the program stops. */
  async end(): Promise<void> {
    this.nextLook = -Infinity;
    await this.step();
    await this.began('stop');
    await this.deps.log.close();
  }

  private studyOf({ study, studyUid, patient }: OfStudy): AuditedStudy {
    return this.deps.log.studyOf({ number: study, study: studyUid, patient });
  }

  private received(series: AuditableSeries): AuditEvent {
    const { site } = this.deps;
    const senders = series.senders.map(({ way, calling }): Participant => {
      const address = site().accept.find(({ ae }) => ae === calling)?.address;
      return { id: calling === '' ? way : calling, address, role: 'source', isRequestor: true };
    });
    const participants = [...senders, self(false, 'destination')];
    const { objects, revision } = series;
    const detail = `revision ${revision} of a series by ${[...new Set(series.senders.map(({ way }) => way))].join(', ')}`;
    return { action: 'received', outcome: 'success', participants, study: this.studyOf(series), objects, detail };
  }

  private analysed(job: AuditableJob): AuditEvent | undefined {
    if (job.state !== 'done' && job.state !== 'dead') return undefined;
    const { alternative, detail } = weightsOf(job.context);
    const model: Participant[] =
      job.model === '' ? [] : [{ id: job.model, alternative, role: 'model', isRequestor: false }];
    return {
      action: 'analysed',
      outcome: job.state === 'done' ? 'success' : 'failure',
      participants: [self(true), ...model],
      study: this.studyOf(job),
      detail: [`rule ${job.rule}`, detail, job.code].filter(Boolean).join(', '),
    };
  }

  private sent(delivery: AuditableDelivery): AuditEvent | undefined {
    if (delivery.state !== 'done' && delivery.state !== 'dead') return undefined;
    const { destination: name, sopClass, code } = delivery;
    const destination = this.deps.site().destinations[name];
    const address = addressOf(destination);
    return {
      action: destination?.deidentify ? 'exported' : 'sent',
      outcome: delivery.state === 'done' ? 'success' : 'failure',
      participants: [self(true, 'source'), { id: name, address, role: 'destination', isRequestor: false }],
      study: this.studyOf(delivery),
      objects: [{ sopClass, count: 1 }],
      ...(code === '' ? {} : { detail: code }),
    };
  }
}
