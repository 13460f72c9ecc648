import { CONTROL_PLANE_SERVICES } from '../common/grpc/control-plane';
import { backendTls, PLAIN, PLAIN_GATEWAY } from './config';
import { programPath, ServiceProcess, type Program } from './service-process';

/** Programs for which the environment may name backends. */
const BACKENDS = ['SEGMENTATION', 'CLASSIFICATION', 'TRAINING', 'PACS', 'DEFAULT'];

export type Role = 'segmentation' | 'classification' | 'training';
export const ROLES: readonly Role[] = ['segmentation', 'classification', 'training'];
/** The roles that one inference process can have together. */
export const INFERENCE_ROLES: readonly Role[] = ['segmentation', 'classification'];

export const INFERENCE: Program = { name: 'inference service', file: 'services/inference/main.js', needsAddon: true };
const TRAINING: Program = { name: 'training service', file: 'services/training/main.js', needsAddon: true };
const PACS: Program = { name: 'PACS bridge', file: 'services/pacs/main.js', needsAddon: false };
const GATEWAY: Program = { name: 'gateway', file: 'services/gateway/main.js', needsAddon: false };

/** Before anything is done: whether what services of these roles need is built. @throws StackError that says how to build it */
export function requireBuilt(roles: readonly Role[]): void {
  const inference = roles.some((role) => INFERENCE_ROLES.includes(role));
  for (const program of [GATEWAY, ...(inference ? [INFERENCE] : []), ...(roles.includes('training') ? [TRAINING] : [])])
    programPath(program);
}

export const ANY_PORT = '127.0.0.1:0';

/** How a training service is used. */
export interface TrainingUse {
  /** What of the queue it runs: everything, trainings only while somebody watches them, or nothing. */
  runs: 'all' | 'watched' | 'nothing';
  /** LibTorch threads of a worker; default: the cores. */
  threads?: number | undefined;
}

export interface LaunchOptions {
  /** `host:port` to listen on; port 0 takes a free one. */
  address: string;
  startTimeoutMs: number;
  /** Where log lines go; absent: nowhere. */
  log?: ((line: string) => void) | undefined;
  training?: TrainingUse | undefined;
  /** `host:port` of /metrics, or `off`. */
  metricsAddress: string;
}

export interface GatewayOptions extends LaunchOptions {
  /** `host:port` of HTTP/JSON and the console, or `off`; absent: as the environment says. */
  httpAddress?: string | undefined;
  /** Without the TLS of the environment. */
  plain?: boolean | undefined;
}

/** Starts the process that has these roles; it listens on loopback only, whatever the environment says. */
export async function launchRoles(
  roles: readonly Role[],
  home: string,
  options: LaunchOptions,
): Promise<ServiceProcess> {
  const { startTimeoutMs, log } = options;
  const training = roles.includes('training');
  const { runs = 'all', threads } = options.training ?? {};
  const trainingSettings = {
    AUTOMED_TRAINING_RUNS: runs,
    ...(threads === undefined ? {} : { AUTOMED_TRAINING_THREADS: String(threads) }),
  };
  return ServiceProcess.start(training ? TRAINING : INFERENCE, {
    settings: {
      AUTOMED_HOME: home,
      ...backendTls(),
      ...(training ? trainingSettings : { AUTOMED_ROLES: roles.join(',') }),
      AUTOMED_ADDRESS: options.address,
      AUTOMED_METRICS_ADDRESS: options.metricsAddress,
      AUTOMED_INSECURE: 'false',
    },
    startTimeoutMs,
    log,
  });
}

const SERVICES: Readonly<Record<Role, readonly string[]>> = {
  segmentation: [
    'automed.segmentation.v1.SegmentationService',
    'automed.segmentation.v1.InteractiveSegmentationService',
  ],
  classification: ['automed.classification.v1.ClassificationService'],
  training: CONTROL_PLANE_SERVICES,
};

/** What a bridge to picture archives needs. */
export interface PacsLaunch {
  /** The site's YAML file. */
  site: string;
  /** Folder of its journal and of what it receives. */
  folder: string;
  /** Port of DICOM, instead of the site's; 0 takes a free one. */
  port?: number | undefined;
  /** Lets other machines send, which AE titles alone do not prove. */
  open?: boolean | undefined;
}

/**
 * Starts the bridge to picture archives in front of a gateway.
 * @param gateway `host:port`
 * @param plain whether the gateway is one of ours, in the clear; else it is called as the environment says
 */
export async function launchPacs(
  { site, folder, port, open = false }: PacsLaunch,
  gateway: string,
  { address, metricsAddress, startTimeoutMs, log }: LaunchOptions,
  plain = false,
): Promise<ServiceProcess> {
  return ServiceProcess.start(PACS, {
    settings: {
      ...backendTls(),
      ...(plain ? PLAIN_GATEWAY : {}),
      AUTOMED_PACS_SITE: site,
      AUTOMED_PACS_HOME: folder,
      AUTOMED_PACS_PORT: port === undefined ? '' : String(port),
      AUTOMED_PACS_OPEN: String(open),
      AUTOMED_GATEWAY: gateway,
      AUTOMED_ADDRESS: address,
      AUTOMED_METRICS_ADDRESS: metricsAddress,
      AUTOMED_INSECURE: 'false',
    },
    startTimeoutMs,
    log,
  });
}

const PACS_SERVICES = 'automed.pacs.v1.*';

/**
 * Starts the gateway in front of the backends: `host:port` of the process that has each role.
 * @param pacs `host:port` of a bridge to picture archives
 */
export async function launchGateway(
  backends: Readonly<Partial<Record<Role, string>>>,
  insecure: boolean,
  options: GatewayOptions,
  pacs?: string,
): Promise<ServiceProcess> {
  const { startTimeoutMs, log, httpAddress, plain = false } = options;
  const rule = (service: string, addresses: string[]): object => ({
    service,
    backends: [...new Set(addresses)].map((address) => ({ address })),
  });
  const served = ROLES.flatMap((role) => (backends[role] === undefined ? [] : [{ role, address: backends[role] }]));
  const others = served.flatMap(({ role, address }) => (role === 'training' ? [] : [address]));
  const rules = [
    ...served.flatMap(({ role, address }) => SERVICES[role].map((service) => rule(service, [address]))),
    ...(pacs === undefined ? [] : [rule(PACS_SERVICES, [pacs])]),
    ...(others.length > 0 ? [rule('*', others)] : []),
  ];
  return ServiceProcess.start(GATEWAY, {
    settings: {
      ...(plain ? PLAIN : {}),
      AUTOMED_ROUTES: JSON.stringify({ rules }),
      // Empty means absent: what the environment says about routes is for another gateway.
      AUTOMED_ROUTES_FILE: '',
      ...Object.fromEntries(BACKENDS.map((name) => [`AUTOMED_${name}_BACKENDS`, ''])),
      AUTOMED_ADDRESS: options.address,
      AUTOMED_METRICS_ADDRESS: options.metricsAddress,
      AUTOMED_INSECURE: String(insecure),
      ...(httpAddress === undefined ? {} : { AUTOMED_HTTP_ADDRESS: httpAddress }),
    },
    startTimeoutMs,
    log,
  });
}
