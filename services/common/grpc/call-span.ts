// The span of a call at its server, and the trace context in its metadata. Without an exporter a span costs next to nothing.

import { context, propagation, SpanKind, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api';
import { status as Code, type Metadata } from '@grpc/grpc-js';

/** Statuses that are the server's fault, as OpenTelemetry's conventions for RPC have them. */
const FAULTS = new Set<Code>([
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.UNIMPLEMENTED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

/** W3C trace context in a call's metadata. */
const carrier = {
  get: (metadata: Metadata, key: string): string | undefined => metadata.get(key)[0]?.toString(),
  keys: (metadata: Metadata): string[] => Object.keys(metadata.getMap()),
  set: (metadata: Metadata, key: string, value: string): void => metadata.set(key, value),
};

/** The span of a call at its server. */
export class CallSpan {
  private constructor(
    readonly context: Context,
    private readonly span: Span,
  ) {}

  /** @param metadata as it arrived; its trace goes on */
  static start(metadata: Metadata, service: string, method: string, requestId: string): CallSpan {
    const parent = propagation.extract(context.active(), metadata, carrier);
    const attributes = {
      'rpc.system': 'grpc',
      'rpc.service': service,
      'rpc.method': method,
      'automed.request_id': requestId,
    };
    const span = trace
      .getTracer('automed')
      .startSpan(`${service}/${method}`, { kind: SpanKind.SERVER, attributes }, parent);
    return new CallSpan(trace.setSpan(parent, span), span);
  }

  /** @param facts attributes that became known, e.g. the model */
  end(code: Code, facts: Readonly<Record<string, string | undefined>>): void {
    for (const [name, value] of Object.entries(facts)) if (value !== undefined) this.span.setAttribute(name, value);
    this.span.setAttribute('rpc.grpc.status_code', code);
    if (FAULTS.has(code)) this.span.setStatus({ code: SpanStatusCode.ERROR, message: Code[code] });
    this.span.end();
  }
}

/** Runs a call's work as part of its trace. */
export function within<T>(span: CallSpan | undefined, work: () => T): T {
  return span ? context.with(span.context, work) : work();
}

/** Lets the trace of the work under way go on at the server that gets this metadata. */
export function passTrace(metadata: Metadata): void {
  propagation.inject(context.active(), metadata, carrier);
}

/** Trace of a W3C `traceparent` header, 32 hexadecimal digits; undefined when it is none. */
export function traceOf(traceparent: string | undefined): string | undefined {
  return /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '')?.[1];
}

/** The trace that a call's span belongs to; undefined while spans are not kept. */
export function traceIdOf(span: CallSpan | undefined): string | undefined {
  const id = span && trace.getSpanContext(span.context);
  return id && trace.isSpanContextValid(id) ? id.traceId : undefined;
}
