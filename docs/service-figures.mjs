// What `npm run bench:service` found, as Markdown.

import { place } from './figures.mjs';

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

/** What the same messages take where nothing is done with them; results of before that was measured lack it. */
function bareText(format, bare) {
  if (bare === undefined) return [];
  return [
    `Of the transport and the hop, a server and a relay of @grpc/grpc-js that do nothing, called in turn with these, take ` +
      `${shown(bare.direct)} and ${shown(bare.hop)} ms for the same ${format}.`,
    '',
  ];
}

/** A table of one format, with a column for each build. */
function table(format, { kib, builds, bare, ...ratios }) {
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
    ...bareText(format, bare),
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

/** A base of the size that models are published in. */
function largeBase({ arch, weights_bytes, cold_start_ms, first_head_ms, second_head_ms, second_over_first, load }) {
  return (
    `${arch} (${(weights_bytes / 1e9).toFixed(2)} GB, in the page cache): ${(cold_start_ms / 1000).toFixed(1)} s from the start of the ` +
    `process to ready; \`Segment\` ${first_head_ms.toFixed(0)} ms, and with a second head on the same image ` +
    `${second_head_ms.toFixed(0)} ms, ${second_over_first.toFixed(2)} x the first. With 16 callers ${load.throughput_ratio.toFixed(2)} x what the ` +
    `engine alone does; at 70 % of that p99 is ${load.p99_over_p50.toFixed(1)} x p50.`
  );
}

const loaded = ({ service_per_second, throughput_ratio, p99_over_p50, added_at_10_ms_rtt, upload_bytes }) =>
  `Under load, without kept embeddings: ${service_per_second.toFixed(1)} images a second with 16 callers, ` +
  `${throughput_ratio.toFixed(2)} x what the engine alone does in the same minute; at 70 % of that in an open loop p99 is ` +
  `${p99_over_p50.toFixed(1)} x p50. Over a connection with a round trip of 10 ms a call with ` +
  `${((upload_bytes ?? 509_952) / 1000).toFixed(0)} kB takes ${added_at_10_ms_rtt.toFixed(0)} ms more than that round trip.`;

export function servicePage({ machine, png, jpeg, png_200_kb, load, large, peers, command, baseline }) {
  return [
    `\`${command}\` on ${place(machine)}, Node ${machine.node.slice(1)}; medians and quartiles; the baseline is ${baseline}:`,
    '',
    ...table('PNG', png),
    ...table('JPEG', jpeg),
    ...(png_200_kb
      ? [
          `The gateway adds ${png_200_kb.gateway_hop_ms.toFixed(1)} ms to a call with a PNG of ${png_200_kb.kib} KiB` +
            `${png_200_kb.bare ? `; a relay that does nothing ${png_200_kb.bare.hop.median.toFixed(1)} ms` : ''}.`,
          '',
        ]
      : []),
    loaded(load),
    ...(load.at_load
      ? ['', '![latency against load: p50 and p99 at 30, 50, 70 and 90 % of the capacity](benchmarks/latency.svg)']
      : []),
    ...(large ? ['', largeBase(large)] : []),
    ...(peers ? ['', ...servers(peers)] : []),
  ].join('\n');
}
