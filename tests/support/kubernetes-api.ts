// An API server for tests: the HTTP of the few resources that a process group needs, with resource versions, conflicts, watches as
// chunked JSON lines, expiry (410) and connections that drop. What runs the pods is the test's affair.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; uid?: string; resourceVersion?: string; deletionTimestamp?: string };
  spec?: Record<string, unknown>;
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

interface Change {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubernetesObject;
}

const COLLECTION = /^\/(?:api\/v1|apis\/batch\/v1)\/namespaces\/([^/]+)\/(jobs|services)(?:\/([^/]+))?$/;

export class KubernetesApi {
  readonly requests: string[] = [];
  readonly objects = new Map<string, KubernetesObject>();
  /** Told of every Job that is created. */
  onJob: (job: KubernetesObject) => void = () => undefined;
  /** Told of every Job that is to go; the Job stays until `finishDelete`. */
  onDelete: (name: string) => void = (name) => this.finishDelete(name);
  private readonly failures: number[] = [];
  private readonly changes: Change[] = [];
  private readonly watchers = new Map<ServerResponse, string>();
  private version = 100;
  private oldest = 0;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get watching(): number {
    return this.watchers.size;
  }

  /** The next requests are answered with these statuses. */
  fail(...statuses: number[]): void {
    this.failures.push(...statuses);
  }

  /** Ends every watch as a network does, without a word. */
  dropWatches(): void {
    for (const response of this.watchers.keys()) response.destroy();
    this.watchers.clear();
  }

  /** Tells every watch that its version is too old, and refuses older ones from now on. */
  expireWatches(): void {
    this.oldest = this.version + 1;
    this.version = this.oldest;
    for (const response of this.watchers.keys()) response.end(`${JSON.stringify(expired())}\n`);
    this.watchers.clear();
  }

  setCondition(name: string, type: 'Complete' | 'Failed' | 'Suspended', message = ''): void {
    const job = this.objects.get(`jobs/${name}`);
    if (!job) return;
    const condition = { type, status: 'True', reason: type === 'Failed' ? 'PodFailurePolicy' : type, message };
    job.status = { conditions: [...(job.status?.conditions ?? []), condition] };
    this.record('MODIFIED', `jobs/${name}`, job);
  }

  finishDelete(name: string): void {
    const job = this.objects.get(`jobs/${name}`);
    if (!job) return;
    this.objects.delete(`jobs/${name}`);
    // The garbage collector takes what the Job owns.
    this.objects.delete(`services/${name}`);
    this.record('DELETED', `jobs/${name}`, job);
  }

  private record(type: Change['type'], key: string, object: KubernetesObject): void {
    this.version += 1;
    object.metadata.resourceVersion = String(this.version);
    const change = { version: this.version, type, object: structuredClone(object) };
    this.changes.push(change);
    for (const [response, watched] of this.watchers) if (watched === key) tell(response, change);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    this.requests.push(`${request.method} ${url.pathname}${url.searchParams.has('watch') ? ' (watch)' : ''}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const failure = this.failures.shift();
    if (failure !== undefined) return send(response, failure, status(failure, `told to answer ${failure}`));
    const [, , kind, name] = COLLECTION.exec(url.pathname) ?? [];
    if (kind === undefined) return send(response, 404, status(404, `no such path ${url.pathname}`));
    if (request.method === 'POST') return this.create(kind, Buffer.concat(chunks).toString(), response);
    if (request.method === 'DELETE') return this.remove(kind, name ?? '', response);
    if (name === undefined) return this.list(kind, url.searchParams, response);
    const found = this.objects.get(`${kind}/${name}`);
    return found ? send(response, 200, found) : send(response, 404, status(404, `${kind} "${name}" not found`));
  }

  private create(kind: string, body: string, response: ServerResponse): void {
    const object = JSON.parse(body) as KubernetesObject;
    const key = `${kind}/${object.metadata.name}`;
    if (this.objects.has(key)) return send(response, 409, status(409, `${key} already exists`));
    object.metadata.uid = `uid-${this.version}`;
    this.objects.set(key, object);
    this.record('ADDED', key, object);
    send(response, 201, object);
    if (kind === 'jobs') this.onJob(object);
  }

  private remove(kind: string, name: string, response: ServerResponse): void {
    const object = this.objects.get(`${kind}/${name}`);
    if (!object) return send(response, 404, status(404, `${kind} "${name}" not found`));
    const first = object.metadata.deletionTimestamp === undefined;
    object.metadata.deletionTimestamp = new Date().toISOString();
    send(response, 200, object);
    if (first) this.onDelete(name);
  }

  private list(kind: string, query: URLSearchParams, response: ServerResponse): void {
    const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
    const key = `${kind}/${name}`;
    if (query.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' });
      const since = Number(query.get('resourceVersion'));
      if (since < this.oldest) {
        response.end(`${JSON.stringify(expired())}\n`);
        return;
      }
      response.flushHeaders();
      this.watchers.set(response, key);
      response.on('close', () => this.watchers.delete(response));
      for (const change of this.changes)
        if (change.version > since && change.object.metadata.name === name) tell(response, change);
      return;
    }
    const found = this.objects.get(key);
    send(response, 200, {
      apiVersion: 'batch/v1',
      kind: 'JobList',
      metadata: { resourceVersion: String(this.version) },
      items: found ? [found] : [],
    });
  }
}

/** One line of a watch, in two pieces, as it may well arrive. */
function tell(response: ServerResponse, { type, object }: Change): void {
  const line = `${JSON.stringify({ type, object })}\n`;
  response.write(line.slice(0, 20));
  response.write(line.slice(20));
}

function status(code: number, message: string) {
  return { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, message };
}

function expired() {
  return { type: 'ERROR', object: status(410, 'too old resource version') };
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
