// A status as lines for a terminal.

import { duration } from '../common/duration';
import { workText } from '../terminal/pacs';
import { byteSize, table } from '../terminal/table';
import { shortName, type Status } from './collect';
import type { ProgramStatus, TrafficStatus } from './programs';

export function statusLines(status: Status): string[] {
  const { gateway, backends, programs, models = [], jobs, pacs, traffic, problems } = status;
  const weights = programs.flatMap((program) => program.weights);
  return [
    `gateway ${gateway.address}: ${gateway.health}`,
    ...block(
      ['BACKEND', 'SERVES', 'DOES NOT'],
      backends.map(({ backend, member, serving, notServing }) => [
        backend === member ? member : `${member} (${backend})`,
        serving.map(shortName).join(' '),
        notServing.map(shortName).join(' '),
      ]),
    ),
    ...block(['PROGRAM', 'METRICS', 'MEMORY', 'CALLS', 'LATE BY', 'QUEUE', 'WAIT'], programs.map(programRow)),
    ...(programs.length === 0 ? ['no metrics: name them with --metrics HOST:PORT'] : []),
    ...block(
      ['IN MEMORY', 'KIND', 'SIZE'],
      weights.map(({ name, kind, bytes }) => [name, kind, byteSize(bytes)]),
    ),
    ...block(
      ['MODEL', 'ALIASES', 'LOADED'],
      models.map(({ model, aliases, loaded }) => [model, aliases.join(' '), loaded ? 'yes' : 'no']),
    ),
    ...(traffic ? trafficLines(traffic) : []),
    ...(jobs ? [`jobs: ${countsText(jobs)}${oldestText(programs)}`] : []),
    ...(pacs
      ? [
          `PACS bridge: ${pacs.studyCount} studies, analyses ${workText(pacs.analyses)}, deliveries ${workText(pacs.deliveries)}`,
        ]
      : []),
    ...(problems.length === 0 ? ['healthy'] : problems.map((problem) => `not well: ${problem}`)),
  ];
}

/** A table, or nothing where it has no rows. */
const block = (headings: string[], rows: string[][]): string[] => (rows.length === 0 ? [] : [table(headings, rows)]);

const shown = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);
const milliseconds = (seconds: number): string => `${Math.round(seconds * 1000)} ms`;

const programRow = (each: ProgramStatus): string[] => [
  each.program,
  each.metrics,
  shown(each.residentBytes, byteSize),
  String(each.requestsInFlight),
  shown(each.eventLoopLagSeconds, milliseconds),
  shown(each.queuedImages, String),
  shown(each.predictedWaitSeconds, milliseconds),
];

function trafficLines({ ejections, splits, shadows }: TrafficStatus): string[] {
  return [
    ...(ejections > 0 ? [`backends put aside: ${ejections} times`] : []),
    ...splits.map(
      ({ model, calls, fallbacks }) =>
        `split: ${calls} calls to ${model}${fallbacks > 0 ? `, of which the current model answered ${fallbacks}` : ''}`,
    ),
    ...shadows.map(({ model, outcomes, agreement, candidateSeconds, currentSeconds }) => {
      const times = `${shown(candidateSeconds, milliseconds)} beside ${shown(currentSeconds, milliseconds)}`;
      const agreed = shown(agreement, (value) => value.toFixed(4));
      return `shadow ${model}: ${countsText(outcomes)}; agreement ${agreed}; ${times}`;
    }),
  ];
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([state, count]) => `${count} ${state.toLowerCase()}`);
  return parts.join(', ') || 'none';
}

function oldestText(programs: readonly ProgramStatus[]): string {
  const oldest = Math.max(0, ...programs.map(({ oldestJobWaitSeconds = 0 }) => oldestJobWaitSeconds));
  return oldest > 0 ? `; the oldest waits for ${duration(oldest)}` : '';
}
