import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { exportSpans, type TracingConfig } from './tracing-export';
import { isLoopback, parseAddress, withPort } from './address';
import { CpuProfiler, PROFILE_PATH } from './cpu-profile';
import { removeStaleSocket } from './unix-socket';

/** Bounds of histograms of times, seconds. */
export const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The Prometheus metrics of one process, and the end of its spans. */
export class Telemetry {
  readonly registry = new Registry();
  private readonly requests: Counter;
  private readonly durations: Histogram;
  private readonly inFlight: Gauge;
  private http: Server | undefined;
  private endTracing: (() => Promise<void>) | undefined;

  constructor(service: string) {
    this.registry.setDefaultLabels({ program: service });
    collectDefaultMetrics({ register: this.registry });
    const registers = [this.registry];
    const labelNames = ['service', 'method', 'code'];
    this.requests = new Counter({
      name: 'automed_grpc_requests_total',
      help: 'Calls answered, by gRPC status',
      labelNames,
      registers,
    });
    this.durations = new Histogram({
      name: 'automed_grpc_request_seconds',
      help: 'From the arrival of a call to its status',
      labelNames,
      buckets: SECONDS,
      registers,
    });
    this.inFlight = new Gauge({
      name: 'automed_grpc_requests_in_flight',
      help: 'Calls without a status yet',
      labelNames: ['service', 'method'],
      registers,
    });
  }

  /** With spans, where the settings say so. */
  static async open(service: string, config: TracingConfig): Promise<Telemetry> {
    const telemetry = new Telemetry(service);
    telemetry.endTracing = await exportSpans(service, config);
    return telemetry;
  }

  callStarted(service: string, method: string): void {
    this.inFlight.inc({ service, method });
  }

  callEnded(service: string, method: string, code: string, seconds: number): void {
    this.inFlight.dec({ service, method });
    this.requests.inc({ service, method, code });
    this.durations.observe({ service, method, code }, seconds);
  }

  /** A gauge that is read at each scrape, e.g. the number of loaded models. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `automed_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A counter that is kept elsewhere and read at each scrape. */
  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name: `automed_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** Serves GET /metrics, and profiles where only this machine can ask; resolves to the bound address. */
  async listen(address: string): Promise<string> {
    const { host, port, socketPath } = parseAddress(address);
    const profiler = new CpuProfiler(isLoopback(address));
    const http = createServer((request, response) => {
      const path = request.method === 'GET' ? request.url?.split('?')[0] : undefined;
      if (path === PROFILE_PATH) {
        profiler.answer(request, response).catch(() => response.writeHead(500).end());
        return;
      }
      if (path !== '/metrics') {
        response.writeHead(404).end('GET /metrics\n');
        return;
      }
      this.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': this.registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    this.http = http;
    if (socketPath !== undefined) await removeStaleSocket(socketPath);
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(socketPath === undefined ? { host, port } : { path: socketPath }, resolve);
    });
    http.unref();
    return socketPath === undefined ? withPort(address, (http.address() as AddressInfo).port) : address;
  }

  async close(): Promise<void> {
    await this.endTracing?.();
    const http = this.http;
    if (!http) return;
    http.closeAllConnections();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  }
}
