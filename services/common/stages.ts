// Spans of the stages of a call. Until exportSpans() has set up an exporter all of this does next to nothing.

import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RunTimings } from './inference';

const tracer = () => trace.getTracer('automed');

/** Runs one stage of the work under way; it becomes a span below that of the call. */
export async function stage<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!trace.getActiveSpan()) return work();
  const span = tracer().startSpan(name);
  try {
    return await context.with(trace.setSpan(context.active(), span), work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Spans of the stages that an engine went through for an answer which came just now. */
export function engineStages(timings: RunTimings): void {
  if (!trace.getActiveSpan()) return;
  const { queueMs, preprocessMs, inferenceMs, encoderMs, postprocessMs, batchSize, embeddingCached } = timings;
  const stages: [name: string, ms: number][] = [
    ['queue', queueMs],
    ['preprocess', preprocessMs],
    ['encode', encoderMs],
    ['decode-mask', inferenceMs - encoderMs + postprocessMs],
  ];
  const attributes = { 'automed.batch_size': batchSize, 'automed.embedding_cached': embeddingCached };
  let at = performance.timeOrigin + performance.now() - stages.reduce((sum, [, ms]) => sum + ms, 0);
  for (const [name, ms] of stages) {
    // Without an encoder pass there is nothing to show.
    if (name !== 'encode' || ms > 0)
      tracer()
        .startSpan(name, { startTime: at, attributes })
        .end(at + ms);
    at += ms;
  }
}
