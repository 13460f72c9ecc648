import { sleepMs } from './timers';

export interface TracingConfig {
  /** URL of an OTLP receiver over HTTP, or `off`. */
  tracesUrl: string;
  /** Part of the traces that is kept, `[0, 1]`. */
  tracesRatio: number;
}

/** What the last spans get to reach the collector at the end of a program, milliseconds. */
const FLUSH_MS = 3_000;

/** Sends spans where the settings say. @returns what sends the rest at the end */
export async function exportSpans(
  service: string,
  { tracesUrl: url, tracesRatio }: TracingConfig,
): Promise<() => Promise<void>> {
  if (url === 'off') return () => Promise.resolve();
  // Large, and for nothing where tracing is off.
  const [{ OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-node'),
  ]);
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `automed-${service}` }),
    // A caller that samples decides for the whole trace.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(tracesRatio) }),
    // A full buffer drops spans: a collector that is away must not cost memory.
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  provider.register();
  return () => Promise.race([provider.shutdown().catch(() => undefined), sleepMs(FLUSH_MS)]);
}
