import { readFileSync } from 'node:fs';
import { z } from 'zod';
import {
  address,
  ConfigError,
  environmentName,
  integer,
  list,
  path,
  readConfig,
  requireLoopback,
  serverSettings,
  serverTls,
} from '../common/config';
import { CONTROL_PLANE_SERVICES } from '../common/grpc/control-plane';
import type { AccessSettings } from '../access/access';
import { accessOf, accessSettings } from '../access/settings';
import type { TlsFiles } from '../common/grpc/tls';
import { routesSchema, type Routes } from './domain/routes';

export const gatewaySettings = z.object({
  ...serverSettings({ address: '127.0.0.1:50051', metricsAddress: '127.0.0.1:9464' }),
  /** Where HTTP/JSON is served, e.g. `127.0.0.1:8080`; `off` turns it off. */
  httpAddress: z.literal('off').or(address()).default('off'),
  /** What an HTTP call may take that names no `x-timeout-ms`, milliseconds. */
  httpTimeoutMs: integer(1, 24 * 3_600_000).default(120_000),
  /** Origins whose pages may call over HTTP (CORS), e.g. `https://viewer.example.org`, or `*`; none by default. */
  httpOrigins: list()
    .pipe(z.array(z.string().regex(/^(\*|https?:\/\/[^/\s]+)$/, 'must be * or an origin such as https://HOST:PORT')))
    .default([]),
  /** Origins whose pages may show a result of the console, `/results/ID`, in a frame, e.g. `https://pacs.example.org`; none by default. */
  httpFrameOrigins: list()
    .pipe(z.array(z.string().regex(/^https?:\/\/[^/\s;,]+$/, 'must be an origin such as https://HOST:PORT')))
    .default([]),
  ...accessSettings,
  /** File to which who did what is appended, as JSON lines; absent: it is not kept. */
  auditFile: path().optional(),
  /** What is written there: `changes` (calls that change something, and those that were not allowed) or `all`. */
  auditCalls: z.enum(['changes', 'all']).default('changes'),
  /** PEM file of the authorities of the backends' certificates; with it backends are called by TLS. */
  backendTlsCaFile: path().optional(),
  /** PEM files of the certificate and key that the gateway shows to backends. */
  backendTlsCertFile: path().optional(),
  backendTlsKeyFile: path().optional(),
  /** JSON file of routes, `{"rules": [{"service", "model", "backends": [{"address", "weight"}]}]}`; the first that fits decides. */
  routesFile: path().optional(),
  /** The same as JSON text. */
  routes: z.string().optional(),
  /**
   * The backends of SegmentationService and InteractiveSegmentationService; `dns:HOST:PORT` is every address of a name. With routes these
   * and the following hold for what no route fits, as far as they are set.
   */
  segmentationBackends: list().default(['127.0.0.1:50052']),
  /** The backends of ClassificationService. */
  classificationBackends: list().default(['127.0.0.1:50052']),
  /** The backends of the training program's services: jobs, data sets, evaluations, reports, promotions. */
  trainingBackends: list().default(['127.0.0.1:50053']),
  /** The backends of the bridge to picture archives; none by default. */
  pacsBackends: list().default([]),
  /** The backends of every other service. Default: those of segmentation and classification. */
  defaultBackends: list().default([]),
});

export type GatewayConfig = Readonly<z.infer<typeof gatewaySettings>> & {
  readonly table: Routes;
  readonly tls: TlsFiles;
  readonly backendTls: TlsFiles;
  /** Absent: everybody may call. */
  readonly access: Omit<AccessSettings, 'onProblem'> | undefined;
};

/** Reads the environment, `--insecure` and the routes file. */
export function readGatewayConfig(args: readonly string[], environment = process.env): GatewayConfig {
  const insecure = args.includes('--insecure') ? { AUTOMED_INSECURE: 'true' } : {};
  const config = readConfig(gatewaySettings, { ...environment, ...insecure });
  const access = accessOf(config);
  requireLoopback(config, access !== undefined);
  const backendTls = backendTlsOf(config);
  return Object.freeze({ ...config, table: tableOf(config, environment), tls: serverTls(config), backendTls, access });
}

type Settings = Readonly<z.infer<typeof gatewaySettings>>;

function backendTlsOf(config: Settings): TlsFiles {
  const { backendTlsCaFile: caFile, backendTlsCertFile: certFile, backendTlsKeyFile: keyFile } = config;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError(['AUTOMED_BACKEND_TLS_CERT_FILE and AUTOMED_BACKEND_TLS_KEY_FILE: give both or neither']);
  if (certFile !== undefined && caFile === undefined)
    throw new ConfigError(['AUTOMED_BACKEND_TLS_CERT_FILE: needs AUTOMED_BACKEND_TLS_CA_FILE too']);
  return { caFile, certFile, keyFile };
}

function tableOf(config: Settings, environment: NodeJS.ProcessEnv): Routes {
  const { routes: text, routesFile: file } = config;
  if (file !== undefined && text !== undefined) {
    throw new ConfigError(['AUTOMED_ROUTES and AUTOMED_ROUTES_FILE: give one of them']);
  }
  if (file === undefined && text === undefined) return routesSchema.parse({ rules: rulesOf(config) });
  const { rules, sizes } =
    file === undefined
      ? parseRoutes(text ?? '', 'AUTOMED_ROUTES')
      : parseRoutes(readRoutes(file), 'AUTOMED_ROUTES_FILE');
  const named = (name: keyof Backends): string[] => (environment[environmentName(name)] ? config[name] : []);
  const rest = rulesOf({
    segmentationBackends: named('segmentationBackends'),
    classificationBackends: named('classificationBackends'),
    trainingBackends: named('trainingBackends'),
    pacsBackends: named('pacsBackends'),
    defaultBackends: named('defaultBackends'),
  });
  return { rules: [...rules, ...(rest.length > 0 ? routesSchema.parse({ rules: rest }).rules : [])], sizes };
}

type Backends = Pick<
  Settings,
  'segmentationBackends' | 'classificationBackends' | 'trainingBackends' | 'pacsBackends' | 'defaultBackends'
>;

/** One rule for each service that has backends. */
function rulesOf(backends: Backends): { service: string; backends: string[] }[] {
  const { segmentationBackends, classificationBackends, trainingBackends, pacsBackends, defaultBackends } = backends;
  const others = defaultBackends.length > 0 ? defaultBackends : [...segmentationBackends, ...classificationBackends];
  const rules = [
    { service: 'automed.segmentation.v1.SegmentationService', backends: segmentationBackends },
    { service: 'automed.segmentation.v1.InteractiveSegmentationService', backends: segmentationBackends },
    { service: 'automed.classification.v1.ClassificationService', backends: classificationBackends },
    ...CONTROL_PLANE_SERVICES.map((service) => ({ service, backends: trainingBackends })),
    { service: 'automed.pacs.v1.*', backends: pacsBackends },
    { service: '*', backends: [...new Set(others)] },
  ];
  return rules.filter((rule) => rule.backends.length > 0);
}

function readRoutes(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([
      `AUTOMED_ROUTES_FILE: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    ]);
  }
}

function parseRoutes(text: string, setting: string): Routes {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ConfigError([`${setting}: is no JSON (${(error as Error).message})`]);
  }
  const parsed = routesSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.map((issue) => `${setting}: ${issue.path.join('.')}: ${issue.message}`));
}
