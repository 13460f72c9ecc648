// Writes the tables of the service into docs/benchmarks.md, and the picture of its latency under load, from
// docs/benchmarks/service.json: the last line of `npm run bench:service -- --baseline DIR --json`, with `command` and `baseline`
// (what it is beside) added by hand; with --check only says whether page and picture are true.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineChart } from './line-chart.mjs';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const PAGE = join(ROOT, 'benchmarks.md');
const PICTURE = join(ROOT, 'benchmarks', 'latency.svg');
const [BEGIN, END] = ['<!-- service: written by docs/benchmarks.mjs -->', '<!-- end of service -->'];

const STAGES = ['decode', 'preprocess', 'postprocess', 'encode', 'server', 'transport'];

const shown = ({ median, low, high }) => `${median.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** Results that were taken before this was counted lack it. */
function cpuRow(times) {
  if (times.includes(undefined)) return [];
  return [row(['processor time of a call, inference included', ...times.map((ms) => ms.toFixed(1))])];
}

/** A table of one format, with a column for each build. */
function table(format, { kib, builds, ...ratios }) {
  const names = Object.keys(builds);
  const of = (read) => names.map((name) => shown(read(builds[name])));
  const cpu = ratios.cpu_ratio === undefined ? '' : `; processor time: ${ratios.cpu_ratio.toFixed(2)} x`;
  const ratio =
    ratios.rest_ratio === undefined ? [] : [`Not inference: ${ratios.rest_ratio.toFixed(2)} x the baseline${cpu}.`];
  return [
    row([`${format} of ${kib} KiB, ms`, ...names]),
    row(['---', ...names.map(() => '---')]),
    ...STAGES.map((stage) => row([stage, ...of(({ stages }) => stages[stage])])),
    row(['all that is not inference', ...of(({ rest }) => rest)]),
    row(['gateway hop', ...of(({ gatewayHop }) => gatewayHop)]),
    ...cpuRow(names.map((name) => builds[name].cpuMs)),
    '',
    ...ratio,
    '',
  ];
}

/** The way of an image to its embedding, beside servers in Python. */
function servers({ arch, images, servers: measured }) {
  const seconds = (ms) => (ms / 1000).toFixed(1);
  return [
    `An image to its embedding (${arch}, ${images} images that no server has seen, the same weights, embeddings that were compared ` +
      `before; one caller, no gateway), beside gRPC servers of a page of Python. The first answer is that of a server that was just ` +
      `started; onnxruntime's exports the weights for it:`,
    '',
    row(['server', 'call, ms', 'x this', 'first answer, s']),
    row(['---', '---', '---', '---']),
    ...Object.entries(measured).map(([name, { call, ratio, first_answer_ms }]) =>
      row([name, shown(call), ratio.toFixed(2), seconds(first_answer_ms)]),
    ),
  ];
}

/** Latency against load, as a picture; undefined where it was not measured. */
function picture({ load }) {
  if (!load.at_load) return undefined;
  const curve = (name, key) => ({ name, points: load.at_load.map((at) => [at.per_second, at[key]]) });
  return lineChart({
    title: 'Segment through the gateway, open loop',
    x: 'images per second',
    y: 'ms from when a call was due',
    curves: [curve('p50', 'p50_ms'), curve('p99', 'p99_ms')],
  });
}

function page({ machine, png, jpeg, load, peers, command, baseline }) {
  const { cpu, cores, features, node, loadAverage } = machine;
  return [
    `\`${command}\` on ${cores} cores of an ${cpu} (${features.join(', ')}), Node ${node.slice(1)}, which ${loadAverage} other processes wanted; medians and quartiles; the baseline is ${baseline}:`,
    '',
    ...table('PNG', png),
    ...table('JPEG', jpeg),
    `Under load, without kept embeddings: ${load.service_per_second.toFixed(1)} images a second with 16 callers, ` +
      `${load.throughput_ratio.toFixed(2)} x what the engine alone does in the same minute; at 70 % of that in an open loop p99 is ` +
      `${load.p99_over_p50.toFixed(1)} x p50. Over a connection with a round trip of 10 ms a call takes ${load.added_at_10_ms_rtt.toFixed(0)} ms more than ` +
      `that round trip.`,
    ...(load.at_load
      ? ['', '![latency against load: p50 and p99 at 30, 50, 70 and 90 % of the capacity](benchmarks/latency.svg)']
      : []),
    ...(peers ? ['', ...servers(peers)] : []),
  ].join('\n');
}

const text = readFileSync(PAGE, 'utf8');
const [before, rest] = text.split(BEGIN);
const after = rest?.split(END)[1];
if (after === undefined) throw new Error(`docs/benchmarks.md lacks ${BEGIN} or ${END}`);
const results = JSON.parse(readFileSync(join(ROOT, 'benchmarks', 'service.json'), 'utf8'));

/** Prettier aligns tables; what they say is compared. */
const said = (markdown) =>
  markdown
    .replace(/-{3,}/g, '---')
    .replace(/[ \n]+/g, ' ')
    .trim();
const drawn = picture(results);
if (process.argv.includes('--check')) {
  const same = drawn === undefined || readFileSync(PICTURE, 'utf8') === drawn;
  if (said(rest.split(END)[0]) !== said(page(results)) || !same) {
    console.error('docs/benchmarks.md tells other figures than docs/benchmarks/service.json: node docs/benchmarks.mjs');
    process.exit(1);
  }
} else {
  if (drawn !== undefined) writeFileSync(PICTURE, drawn);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${page(results)}\n\n${END}${after}`);
}
