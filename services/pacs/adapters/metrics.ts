import { Counter } from 'prom-client';
import type { Telemetry } from '../../common/telemetry';
import type { Outcome, Source } from '../../dicom-net/reception';
import type { Journal } from './journal/journal';

/** What the bridge counts. */
export class PacsMetrics {
  private readonly received: Counter;
  private readonly cut: Counter;
  private readonly analyses: Counter;
  private readonly deliveries: Counter;
  private readonly purged: Counter;

  constructor(telemetry: Telemetry) {
    const counter = (name: string, help: string, labelNames: string[]): Counter =>
      new Counter({ name: `automed_pacs_${name}_total`, help, labelNames, registers: [telemetry.registry] });
    this.received = counter('objects', 'Objects that arrived, by way and outcome', ['way', 'outcome']);
    this.cut = counter('connections_cut', 'Connections that were cut before an association, by reason', ['reason']);
    this.purged = counter('studies_purged', 'Studies that were deleted', []);
    this.analyses = counter('analyses', 'Analyses that ended or failed, by outcome and code', ['outcome', 'code']);
    this.deliveries = counter('deliveries', 'Attempts to deliver, by destination, outcome, code and class of failure', [
      'destination',
      'outcome',
      'code',
      'class',
    ]);
  }

  countObject(outcome: Outcome, { way }: Source): void {
    this.received.inc({ way, outcome: 'kept' in outcome ? outcome.kept : outcome.refused });
  }

  countCut(reason: string): void {
    this.cut.inc({ reason });
  }

  countPurge(): void {
    this.purged.inc();
  }

  countAnalysis(outcome: string, code: string): void {
    this.analyses.inc({ outcome, code });
  }

  /** @param kind of failure: `permanent`, `transient` or `suspect`; empty of one that arrived */
  countDelivery(outcome: string, destination: string, code: string, kind = ''): void {
    this.deliveries.inc({ outcome, destination, code, class: kind });
  }
}

/** Publishes what the journal holds, read at each scrape. */
export function observeJournal(telemetry: Telemetry, { overview }: Journal): void {
  const waiting = (kind: 'analyses' | 'deliveries', state: 'queued' | 'held' | 'dead'): number =>
    overview.totals()[kind][state] ?? 0;
  telemetry.gauge('pacs_open_series', 'Series that may still grow', () => overview.totals().openSeries);
  telemetry.gauge('pacs_queued_analyses', 'Analyses that wait', () => waiting('analyses', 'queued'));
  telemetry.gauge('pacs_dead_analyses', 'Analyses that were given up', () => waiting('analyses', 'dead'));
  telemetry.gauge('pacs_held_analyses', 'Analyses that wait for a person', () => waiting('analyses', 'held'));
  telemetry.gauge('pacs_dead_reviews', 'Analyses that a review queue refused', () => overview.totals().reviews.dead);
  telemetry.gauge('pacs_queued_deliveries', 'Deliveries that wait', () => waiting('deliveries', 'queued'));
  telemetry.gauge('pacs_dead_deliveries', 'Deliveries that were given up', () => waiting('deliveries', 'dead'));
  telemetry.gauge('pacs_oldest_wait_seconds', 'Age of the oldest analysis or delivery that waits', () => {
    const { oldest } = overview.totals();
    return oldest === undefined ? 0 : Math.max(0, Date.now() - oldest) / 1000;
  });
}
