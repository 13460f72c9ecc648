// Writes the table of the service into docs/benchmarks.md from docs/benchmarks/service.json: the last line of
// `npm run bench:service -- --baseline DIR --json`, with `command` and `baseline` (what it is beside) added by hand; with --check only says whether the page is true.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const PAGE = join(ROOT, 'benchmarks.md');
const [BEGIN, END] = ['<!-- service: written by docs/benchmarks.mjs -->', '<!-- end of service -->'];

const STAGES = ['decode', 'preprocess', 'postprocess', 'encode', 'server', 'transport'];

const shown = ({ median, low, high }) => `${median.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** A table of one format, with a column for each build. */
function table(format, { kib, builds, ...ratios }) {
  const names = Object.keys(builds);
  const of = (read) => names.map((name) => shown(read(builds[name])));
  const ratio =
    ratios.rest_ratio === undefined ? [] : [`Not inference: ${ratios.rest_ratio.toFixed(2)} x the baseline.`];
  return [
    row([`${format} of ${kib} KiB, ms`, ...names]),
    row(['---', ...names.map(() => '---')]),
    ...STAGES.map((stage) => row([stage, ...of(({ stages }) => stages[stage])])),
    row(['all that is not inference', ...of(({ rest }) => rest)]),
    row(['gateway hop', ...of(({ gatewayHop }) => gatewayHop)]),
    '',
    ...ratio,
    '',
  ];
}

function page({ machine, png, jpeg, load, command, baseline }) {
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
if (process.argv.includes('--check')) {
  if (said(rest.split(END)[0]) !== said(page(results))) {
    console.error('docs/benchmarks.md tells other figures than docs/benchmarks/service.json: node docs/benchmarks.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${page(results)}\n\n${END}${after}`);
}
