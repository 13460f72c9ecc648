// What the gateway counted: how long calls take, which replicas are ready, what became of canaries and shadows.

import type { CanaryTraffic, MethodTraffic, Replica, ShadowTraffic, Traffic } from '../../../console-kit/api/traffic';
import { Table, type Column } from '../../../console-kit/parts/table';
import { t } from '../../../console-kit/texts/en';

const texts = t.operations;
const LONGEST_SECONDS = 60;

const seconds = (value: number): string => t.units.ms(1000 * value);
/** `Segment` of `automed.segmentation.v1.SegmentationService/Segment`; services by their last name. */
const short = (name: string): string => name.split('.').at(-1) ?? name;
const count = (value: string | undefined): number => Number(value ?? 0);

export function TrafficSections({ traffic }: { traffic: Traffic }) {
  const { methods = [], replicas = [], canaries = [], shadows = [], ejectionCount = 0 } = traffic;
  return (
    <>
      <Section title={texts.waits} lead={texts.waitsLead} columns={METHODS} rows={methods} none={texts.noCalls} />
      <Section
        title={texts.replicas}
        lead={ejectionCount === 0 ? '' : texts.ejections(ejectionCount)}
        columns={REPLICAS}
        rows={replicas}
        none={texts.noReplicas}
      />
      <Section
        title={texts.canaries}
        lead=""
        columns={canaryColumns(canaries)}
        rows={canaries}
        none={texts.noCanaries}
      />
      <Section title={texts.shadows} lead="" columns={SHADOWS} rows={shadows} none={texts.noShadows} />
    </>
  );
}

interface SectionProps<Row> {
  title: string;
  lead: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  none: string;
}

function Section<Row>({ title, lead, columns, rows, none }: SectionProps<Row>) {
  return (
    <section class="stack">
      <h2>{title}</h2>
      {lead === '' ? null : <p class="muted">{lead}</p>}
      <Table
        caption={title}
        columns={columns}
        rows={rows}
        keyOf={(row) => String(rows.indexOf(row))}
        empty={<p>{none}</p>}
      />
    </section>
  );
}

const METHODS: readonly Column<MethodTraffic>[] = [
  { title: texts.method, cell: ({ method }) => short(method) },
  { title: texts.inFlight, numeric: true, cell: ({ inFlightCount = 0 }) => inFlightCount },
  { title: texts.calls, numeric: true, cell: ({ callCount }) => count(callCount) },
  { title: texts.failed, numeric: true, cell: ({ errorCount }) => count(errorCount) },
  { title: texts.mean, numeric: true, cell: ({ meanSeconds = 0 }) => seconds(meanSeconds) },
  { title: texts.slow, numeric: true, cell: slowest },
];

function slowest({ p95Seconds, callCount }: MethodTraffic): string {
  if (count(callCount) === 0) return '';
  return p95Seconds === undefined ? texts.beyond(seconds(LONGEST_SECONDS)) : seconds(p95Seconds);
}

const REPLICAS: readonly Column<Replica>[] = [
  { title: texts.replica, cell: ({ member }) => <span class="mono">{member}</span> },
  { title: texts.serves, cell: ({ serving = [] }) => serving.map(short).join(', ') },
  { title: texts.missing, cell: ({ notServing = [] }) => <span class="bad">{notServing.map(short).join(', ')}</span> },
];

function canaryColumns(canaries: readonly CanaryTraffic[]): readonly Column<CanaryTraffic>[] {
  const all = canaries.reduce((sum, { callCount }) => sum + count(callCount), 0);
  return [
    { title: texts.candidate, cell: ({ model }) => model },
    { title: texts.calls, numeric: true, cell: ({ callCount }) => count(callCount) },
    {
      title: texts.share,
      numeric: true,
      cell: ({ callCount }) => t.units.percent(count(callCount) / Math.max(1, all)),
    },
    { title: texts.fallbacks, numeric: true, cell: ({ fallbackCount }) => count(fallbackCount) },
  ];
}

const measured = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '' : text(value);

const SHADOWS: readonly Column<ShadowTraffic>[] = [
  { title: texts.candidate, cell: ({ model }) => model },
  {
    title: texts.copies,
    cell: ({ outcomes = [] }) => outcomes.map((outcome) => `${outcome.name} ${count(outcome.count)}`).join(', '),
  },
  { title: texts.agreement, numeric: true, cell: ({ agreement }) => measured(agreement, t.units.percent) },
  { title: texts.candidateTime, numeric: true, cell: ({ candidateSeconds }) => measured(candidateSeconds, seconds) },
  { title: texts.currentTime, numeric: true, cell: ({ currentSeconds }) => measured(currentSeconds, seconds) },
];
