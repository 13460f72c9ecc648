// What results of benches say, as Markdown and as pictures: a row for each of docs/benchmarks/*.json, or of any other folder that
// `npm run bench` wrote. A result is the last line of a bench's --json, with `command` before it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineChart } from './line-chart.mjs';

const MIB = 2 ** 20;
const times = (ratio) => `${Number(ratio.toPrecision(2))} x`;
const ms = (value) => `${Number(value.toPrecision(3))} ms`;
const percent = (share) => `${Number((100 * share).toPrecision(2))} %`;

/** @param {string} folder of results; by the name of the bench */
export function readResults(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    files.map((name) => [name.replace('.json', ''), JSON.parse(readFileSync(join(folder, name), 'utf8'))]),
  );
}

/** `2 cores of an AMD EPYC (avx2, avx512f)` */
export function place({ cpu, cores, features, loadAverage }) {
  const busy = loadAverage > cores ? `, which ${loadAverage} processes wanted` : '';
  return `${cores} cores of an ${cpu} (${features.join(', ')})${busy}`;
}

const ENCODER = {
  measures: ({ architecture, threads }) =>
    `the encoder of ${architecture}, ${threads} threads: median of the ratios of neighbouring runs`,
  figure: ({ fp32_speedup, ort_speedup, bf16_speedup, max_abs, fp32_cpu_time, ort_cpu_time }) => [
    `float32: ${times(fp32_speedup)} PyTorch eager`,
    ...(ort_speedup === null ? [] : [`${times(ort_speedup)} onnxruntime`]),
    `by CPU time ${times(fp32_cpu_time)}${ort_cpu_time === null ? '' : ` and ${times(ort_cpu_time)}`}`,
    ...(bf16_speedup === null ? [] : [`bfloat16: ${times(bf16_speedup)} PyTorch in float32`]),
    `largest difference ${max_abs.toExponential(0)}`,
  ],
};

const TRAINING = {
  measures: ({ architecture }) => `the paper's SAM-AutoMed recipe on ${architecture}, beside the same loop in PyTorch`,
  figure: ({ kept_ratio, ratio }) => [
    `${times(kept_ratio)} PyTorch's images per second with kept embeddings`,
    `${times(ratio)} without`,
  ],
};

/** What each bench measures, and the figure that it found. */
const ROWS = {
  encoder: ENCODER,
  'encoder-1024': ENCODER,
  cancel: {
    measures: ({ architecture }) => `half of all requests cancelled at random moments, ${architecture}`,
    figure: ({ wasted_after, wasted_before }) => [
      `${percent(wasted_after)} of the workers' time for callers that had left`,
      `${percent(wasted_before)} before they did`,
    ],
  },
  interactive: {
    measures: ({ width, height }) => `the columns that Geti publishes, ${width} x ${height}, one caller`,
    figure: ({ bases }) =>
      Object.entries(bases).map(([arch, found]) => {
        const columns = ['cold_load', 'warm_load', 'encode', 'decode', 'end_to_end'].filter(
          (name) => found[`${name}_ms`] !== undefined,
        );
        const shown = columns.map((name) => `${name.replaceAll('_', ' ')} ${ms(found[`${name}_ms`])}`).join(', ');
        const ratio = found.predict_ratio === undefined ? '' : `, decode ${times(found.predict_ratio)} the baseline`;
        return `${arch}: ${shown}${ratio}`;
      }),
  },
  memory: {
    measures: ({ arch }) => `heads on one ${arch} base, one process and a process each`,
    figure: ({ points }) =>
      points.map(({ heads, one_process, process_each }) => {
        const each = process_each === null ? '' : ` and ${(process_each / MIB).toFixed(0)}`;
        return `${heads}: ${(one_process / MIB).toFixed(0)}${each} MiB`;
      }),
  },
  ingest: {
    measures: ({ objects, other }) => `${objects} over one association, flushed and journalled, beside ${other}`,
    figure: ({ ratio, busy_ratio, most_megabytes }) => [
      `${ratio} x its time, beside 24 other processes ${times(busy_ratio)}`,
      `${most_megabytes} MB at most`,
    ],
  },
  throughput: {
    measures: ({ studies, associations }) =>
      `${studies} studies over ${associations} associations, each analysed, SEG and SR at Orthanc once`,
    figure: ({ seconds, images, delivered_p95_seconds }) => [
      `${seconds} s, ${images} images`,
      `95 % of studies delivered within ${delivered_p95_seconds} s after their last image`,
    ],
  },
  decode: {
    measures: ({ slices, side, threads, machine }) =>
      `${slices} DICOM slices of ${side} x ${side}, read and decoded on Node ${Number.parseInt(machine.node.slice(1))}, ` +
      `${threads} thread on as many cores, beside GDCM's C++`,
    figure: ({ encodings }) =>
      Object.entries(encodings).map(([name, { ratio }]) => `${name} ${ratio.toFixed(2)} x its time`),
  },
  overload: {
    measures: ({ deadline_ms }) =>
      `goodput at 5 x capacity, open loop, deadline ${deadline_ms / 1000} s; p99 at 0.7 x capacity`,
    figure: ({ goodput_ratio, refusal_p50_ms, p99_over_p50 }) => [
      `${percent(goodput_ratio)} of capacity`,
      `refusals ${ms(refusal_p50_ms)}`,
      `p99 ${times(p99_over_p50)} p50`,
    ],
  },
  training: TRAINING,
  'training-avx2': TRAINING,
  scaling: {
    measures: ({ throughput_arch, encoder_arch }) =>
      `images per second by workers x threads (${throughput_arch}); the encoder's time by its input (${encoder_arch})`,
    figure: ({ throughput, encoder }) => [
      throughput
        .map(({ workers, threads, per_second }) => `${workers} x ${threads}: ${per_second.toFixed(0)}`)
        .join(', '),
      encoder.map(({ side, ms: taken }) => `${side}: ${ms(taken)}`).join(', '),
    ],
  },
  waiting: {
    measures: ({ arch }) =>
      `threads that sleep while they wait, that spin briefly (the default), that spin: the encoder of ${arch} alone, and beside one busy process`,
    figure: ({ quiet_ms, beside_a_neighbour_ms }) =>
      [quiet_ms, beside_a_neighbour_ms].map((found) => Object.values(found).map(ms).join(', ')),
  },
};

const row = (cells) => `| ${cells.join(' | ')} |`;

/** A row for each result. */
export function speedTable(results) {
  const known = Object.keys(ROWS).filter((name) => name in results);
  return [
    row(['command', 'measures', 'figure', 'on']),
    row(['---', '---', '---', '---']),
    ...known.map((name) => {
      const result = results[name];
      const { measures, figure } = ROWS[name];
      return row([`\`${result.command}\``, measures(result), figure(result).join('; '), place(result.machine)]);
    }),
  ].join('\n');
}

/** Curves of what scales with what, by the name of their file. */
export function pictures({ service, scaling, memory }) {
  const drawn = {};
  if (service?.load.at_load) {
    const curve = (name, key) => ({ name, points: service.load.at_load.map((at) => [at.per_second, at[key]]) });
    drawn['latency.svg'] = lineChart({
      title: 'Segment through the gateway, open loop',
      ...{ x: 'images per second', y: 'ms from when a call was due' },
      curves: [curve('p50', 'p50_ms'), curve('p99', 'p99_ms')],
    });
  }
  if (scaling) {
    const counts = [...new Set(scaling.throughput.map(({ workers }) => workers))];
    drawn['throughput.svg'] = lineChart({
      title: `Images encoded per second, ${scaling.throughput_arch}`,
      ...{ x: 'threads of each worker', y: 'images per second' },
      curves: counts.map((count) => ({
        name: `${count} worker${count === 1 ? '' : 's'}`,
        points: scaling.throughput
          .filter(({ workers }) => workers === count)
          .map(({ threads, per_second }) => [threads, per_second]),
      })),
    });
    drawn['input-size.svg'] = lineChart({
      title: `Time of the encoder, ${scaling.encoder_arch}`,
      ...{ x: 'side of the input, pixels', y: 'ms' },
      curves: [{ name: 'float32', points: scaling.encoder.map(({ side, ms: taken }) => [side, taken]) }],
    });
  }
  if (memory) {
    const curve = (name, key) => ({
      name,
      points: memory.points.filter((at) => at[key] !== null).map((at) => [at.heads, at[key] / MIB]),
    });
    drawn['memory.svg'] = lineChart({
      title: `Memory of heads on one base, ${memory.arch}`,
      ...{ x: 'heads', y: 'MiB' },
      curves: [curve('one process', 'one_process'), curve('a process each', 'process_each')],
    });
  }
  return drawn;
}

/** A report that stands by itself, beside its pictures. */
export function reportOf(results) {
  const drawn = pictures(results);
  const shown = Object.keys(drawn).map((name) => `![${name.replace('.svg', '')}](${name})`);
  return { markdown: `# Measured\n\n${speedTable(results)}\n\n${shown.join('\n\n')}\n`, drawn };
}

export const hasResults = (folder) => existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.json'));
