import { parseMetrics, sumOf } from '../../../../services/status/metrics-text';
import { backendsOf, programOf, trafficOf } from '../../../../services/status/programs';
import type { Status } from '../../../../services/status/collect';
import { statusLines } from '../../../../services/status/status-text';

const GATEWAY = parseMetrics(`# HELP automed_gateway_backend_serving Whether
# TYPE automed_gateway_backend_serving gauge
automed_gateway_backend_serving{backend="dns:seg:1",member="10.0.0.1:1",service="automed.segmentation.v1.SegmentationService",program="gateway"} 1
automed_gateway_backend_serving{backend="dns:seg:1",member="10.0.0.2:1",service="automed.segmentation.v1.SegmentationService",program="gateway"} 0
automed_gateway_split_total{model="polyp@production",program="gateway"} 90
automed_gateway_split_total{model="polyp@candidate",program="gateway"} 10
automed_gateway_fallbacks_total{model="polyp@candidate",program="gateway"} 2
automed_gateway_ejections_total{program="gateway"} 3
automed_gateway_shadow_calls_total{model="polyp@next",outcome="compared",program="gateway"} 4
automed_gateway_shadow_calls_total{model="polyp@next",outcome="failed",program="gateway"} 1
automed_gateway_shadow_agreement_sum{model="polyp@next",program="gateway"} 3.6
automed_gateway_shadow_agreement_count{model="polyp@next",program="gateway"} 4
automed_gateway_shadow_seconds_sum{model="polyp@next",of="candidate",program="gateway"} 0.8
automed_gateway_shadow_seconds_count{model="polyp@next",of="candidate",program="gateway"} 4
automed_gateway_shadow_seconds_sum{model="polyp@next",of="current",program="gateway"} 0.4
automed_gateway_shadow_seconds_count{model="polyp@next",of="current",program="gateway"} 4
process_resident_memory_bytes{program="gateway"} 1.5e+8
`);
const INFERENCE = parseMetrics(`automed_engine_queued_images{program="inference"} 7
automed_predicted_wait_seconds{program="inference"} 0.25
automed_model_weights_bytes{kind="base",model="micro@1",program="inference"} 2000000
automed_model_weights_bytes{kind="model",model="polyp@2",program="inference"} 4000
nodejs_eventloop_lag_p99_seconds{program="inference"} Nan
`);

test('metrics are read with escapes in labels, and without NaN', () => {
  const samples = parseMetrics('a{x="1\\"2\\\\3\\n",y="}"} 2\nb 1e3\nc{} NaN\n# d 4\nnonsense\n');
  expect(samples).toEqual([
    { name: 'a', labels: { x: '1"2\\3\n', y: '}' }, value: 2 },
    { name: 'b', labels: {}, value: 1000 },
  ]);
  expect([sumOf(samples, 'b'), sumOf(samples, 'c')]).toEqual([1000, undefined]);
});

test('a status says which backend does not serve, what splits and shadows do, and what waits', () => {
  const status: Status = {
    healthy: false,
    problems: ['10.0.0.2:1 does not serve SegmentationService'],
    gateway: { address: 'gw:1', health: 'SERVING' },
    backends: backendsOf(GATEWAY),
    programs: [programOf(GATEWAY, 'gw:2'), programOf(INFERENCE, 'inf:2')],
    traffic: trafficOf(GATEWAY),
    models: [{ model: 'polyp@2', aliases: ['production'], loaded: true }],
    jobs: { RUNNING: 1, PENDING: 2 },
  };
  const text = statusLines(status).join('\n').replace(/ +/g, ' ');
  for (const line of [
    'gateway gw:1: SERVING',
    '10.0.0.1:1 (dns:seg:1) SegmentationService',
    '10.0.0.2:1 (dns:seg:1) SegmentationService',
    'gateway gw:2 150.0 MB 0 - - -',
    'inference inf:2 - 0 - 7 250 ms',
    'micro@1 base 2.0 MB',
    'polyp@2 production yes',
    'backends put aside: 3 times',
    'split: 90 calls to polyp@production',
    'split: 10 calls to polyp@candidate, of which the current model answered 2',
    'shadow polyp@next: 4 compared, 1 failed; agreement 0.9000; 200 ms beside 100 ms',
    'jobs: 1 running, 2 pending',
    'not well: 10.0.0.2:1 does not serve SegmentationService',
  ])
    expect(text.split('\n')).toContain(line);
});
