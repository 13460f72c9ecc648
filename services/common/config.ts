// One way to read configuration: a zod object whose keys are the settings, each read from AUTOMED_<KEY_IN_CAPITALS>.
// Every problem is reported at once, the result is frozen, and what is marked secret never prints.

import { basename } from 'node:path';
import { z } from 'zod';
import { isLoopback, parseAddress } from './address';

/** The configuration does not hold; `problems` has one sentence per setting at fault. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration has ${problems.length} problem(s):\n${problems.map((each) => `  - ${each}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** maxMessageBytes -> AUTOMED_MAX_MESSAGE_BYTES */
export function environmentName(key: string): string {
  return `AUTOMED_${key.replace(/([A-Z])/g, '_$1').toUpperCase()}`;
}

/** Reads a schema's settings. An empty variable counts as absent. */
export function readConfig<S extends z.ZodObject>(schema: S, environment: NodeJS.ProcessEnv): Readonly<z.infer<S>> {
  const raw: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const value = environment[environmentName(key)];
    if (value !== undefined && value !== '') raw[key] = value;
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => {
        const key = issue.path[0];
        return key === undefined ? issue.message : `${environmentName(String(key))}: ${issue.message}`;
      }),
    );
  }
  return Object.freeze(parsed.data);
}

/** The settings of a schema as they may be logged: those made with secret() are replaced, those made with path() shortened. */
export function redacted(schema: z.ZodObject, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(schema.shape).map((key) => {
      const value = config[key];
      const setting = schema.shape[key] as z.ZodType | undefined;
      if (typeof value !== 'string' || value === '') return [key, value];
      if (isMarked(setting, 'secret')) return [key, '[redacted]'];
      return [key, isMarked(setting, 'path') ? `.../${basename(value)}` : value];
    }),
  );
}

/** Defaults and optionality wrap the type that carries the mark. */
function isMarked(setting: z.ZodType | undefined, mark: 'secret' | 'path'): boolean {
  if (!setting) return false;
  if (setting.meta()?.[mark] === true) return true;
  return isMarked((setting.def as { innerType?: z.ZodType }).innerType, mark);
}

/** A whole number from text, `[min, max]`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

/** `true`, `1`, `yes`, `on` or their opposites. */
export function flag() {
  return z
    .string()
    .toLowerCase()
    .refine((text) => /^(true|1|yes|on|false|0|no|off)$/.test(text), 'must be true or false')
    .transform((text) => /^(true|1|yes|on)$/.test(text));
}

/** Comma-separated words; blanks around them and empty words are dropped. */
export function list() {
  return z.string().transform((text) =>
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  );
}

/** Path of a file or folder, of which the log shows only the last part. */
export function path() {
  return z.string().meta({ path: true });
}

/** Text that must not be printed. */
export function secret() {
  return z.string().meta({ secret: true });
}

/** `host:port` or `unix:/path`. Port 0 lets the system choose. */
export function address() {
  return z.string().superRefine((text, context) => {
    const problem = parseAddress(text).problem;
    if (problem) context.addIssue({ code: 'custom', message: problem });
  });
}

/** Settings that every gRPC program has. */
export function serverSettings(defaults: { address: string; metricsAddress: string }) {
  return {
    /** Where gRPC listens. */
    address: address().default(defaults.address),
    /** Allows addresses other machines can reach, without authentication; also `--insecure`. */
    insecure: flag().default(false),
    /** Where Prometheus reads /metrics over HTTP; `off` turns it off. */
    metricsAddress: z.literal('off').or(address()).default(defaults.metricsAddress),
    /**
     * Where grpc.health.v1 alone is answered too, in the clear and to everybody, for probes that know neither certificates nor
     * keys; `off` turns it off. `liveness` is SERVING there as long as the program answers, also while it drains.
     */
    healthAddress: z.literal('off').or(address()).default('off'),
    /** PEM file of the certificate, with its chain; with it gRPC is served by TLS. Read again when it changes. */
    tlsCertFile: path().optional(),
    /** PEM file of its key. */
    tlsKeyFile: path().optional(),
    /** PEM file of the authorities of clients' certificates; with it only clients that have one may call (mutual TLS). */
    tlsClientCaFile: path().optional(),
    /** Where spans go: an OTLP receiver over HTTP, e.g. `http://collector:4318/v1/traces`; `off` keeps none. */
    tracesUrl: z
      .literal('off')
      .or(z.url({ protocol: /^https?$/ }))
      .default('off'),
    /** Part of the traces that is kept, where the caller has not decided, `[0, 1]`. */
    tracesRatio: z.coerce.number().min(0).max(1).default(1),
    /** Largest message in either direction, bytes. */
    maxMessageBytes: integer(1024, 2 ** 31 - 1).default(64 * 1024 * 1024),
    /** HTTP/2 window that the server grants each stream, bytes; a connection gets four times that. */
    flowControlWindowBytes: integer(65_535, 2 ** 29 - 1).default(4 * 1024 * 1024),
    /** Calls in flight per connection. */
    maxConcurrentStreams: integer(1, 100_000).default(100),
    /** Age after which a connection is asked to reconnect, so that new replicas are seen, milliseconds. */
    maxConnectionAgeMs: integer(1_000).default(5 * 60_000),
    /** What calls on such a connection get to finish, milliseconds. */
    maxConnectionAgeGraceMs: integer(0).default(10 * 60_000),
    /** Between two signs of life of a stream that has nothing to say, milliseconds: proxies end what is silent for a minute. */
    streamHeartbeatMs: integer(100, 30_000).default(15_000),
    /** What calls in flight get to finish at shutdown, milliseconds. */
    shutdownTimeoutMs: integer(0).default(30_000),
    logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  };
}

interface TlsSettings {
  tlsCertFile?: string | undefined;
  tlsKeyFile?: string | undefined;
  tlsClientCaFile?: string | undefined;
}

/** The files of a server's TLS. @throws ConfigError when one is given without what belongs to it */
export function serverTls({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: TlsSettings): {
  certFile?: string | undefined;
  keyFile?: string | undefined;
  caFile?: string | undefined;
} {
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined))
    throw new ConfigError(['AUTOMED_TLS_CERT_FILE and AUTOMED_TLS_KEY_FILE: give both or neither']);
  if (tlsClientCaFile !== undefined && tlsCertFile === undefined)
    throw new ConfigError(['AUTOMED_TLS_CLIENT_CA_FILE: needs AUTOMED_TLS_CERT_FILE too']);
  return { certFile: tlsCertFile, keyFile: tlsKeyFile, caFile: tlsClientCaFile };
}

/**
 * The rule behind `insecure`: without authentication only this machine may call, and keys and tokens do not travel in the clear.
 * Metrics, which name no patient and no model's content, are for a network policy.
 * @param authenticated whether callers are told apart by keys or tokens; certificates of clients do that too
 */
export function requireLoopback(
  config: { address: string; httpAddress?: string; metricsAddress: string; insecure: boolean } & TlsSettings,
  authenticated = false,
): void {
  if (config.insecure) return;
  const secure = config.tlsClientCaFile !== undefined || (authenticated && config.tlsCertFile !== undefined);
  if (secure) return;
  const beyond = (addresses: string[]): string[] => addresses.filter((each) => each !== 'off' && !isLoopback(each));
  const called = beyond([config.address, config.httpAddress ?? 'off']);
  if (authenticated && called.length > 0)
    throw new ConfigError([
      `${called.join(' and ')} can be reached from other machines, and keys would travel in the clear: set AUTOMED_TLS_CERT_FILE and AUTOMED_TLS_KEY_FILE, or accept that with --insecure (AUTOMED_INSECURE=true)`,
    ]);
  const open = [...called, ...beyond([config.metricsAddress])];
  if (open.length === 0) return;
  throw new ConfigError(
    open.map(
      (each) =>
        `${each} can be reached from other machines, and there is no authentication: use 127.0.0.1, or accept that with --insecure (AUTOMED_INSECURE=true)`,
    ),
  );
}
