import { makeFolder } from '../common/make-folder';
import { withPort } from '../common/address';
import { HealthClient } from '../common/grpc/health-client';
import { freePorts } from './free-ports';
import { KeptService } from './kept-service';
import type { ServiceProcess } from './service-process';
import {
  ANY_PORT,
  launchGateway,
  launchPacs,
  launchRoles,
  type PacsLaunch,
  type Role,
  type TrainingUse,
} from './programs';

export interface StackOptions {
  home: string;
  /** Roles of each process; training has one of its own. */
  processes: readonly (readonly Role[])[];
  /** `host:port` of the gateway. */
  address: string;
  /** `host:port` of HTTP/JSON and the console, or `off`; absent: as the environment says. */
  httpAddress?: string | undefined;
  /**
   * The gateway is for who starts it, on loopback: without HTTP and without TLS, which the environment sets for the gateway that others
   * call.
   */
  own?: boolean | undefined;
  /** Lets the gateway listen where other machines reach it. */
  insecure: boolean;
  /** Default: the training service runs all that is queued. */
  training?: TrainingUse | undefined;
  startTimeoutMs: number;
  /** Hears of services that die, one line each. */
  say: (line: string) => void;
  /** Where the services' log lines go; absent: nowhere. */
  log?: ((line: string) => void) | undefined;
  /** Port of the gateway's /metrics; the other processes take those that follow. 0: free ones; absent: none. */
  metricsPort?: number | undefined;
  /** A bridge to picture archives beside them. */
  pacs?: PacsLaunch | undefined;
}

/** Where ports of bridges are looked for. */
const FIRST_PACS_PORT = 50_100;
const PACS_SERVICE = 'automed.pacs.v1.PacsService';
const PACS_KNOWN_MS = 10_000;

/** Gateway and services on this machine, one store, the services on free loopback ports. */
export class Stack {
  private constructor(
    private readonly gateway: KeptService,
    private readonly backends: readonly KeptService[],
    private readonly pacs: KeptService | undefined,
  ) {}

  /** `host:port` of the gateway. */
  get address(): string {
    return this.gateway.address;
  }

  /** `host:port` of HTTP/JSON and the console; absent without them. */
  get httpAddress(): string | undefined {
    return this.gateway.httpAddress;
  }

  /** `host:port` of the bridge; absent without one. */
  get pacsAddress(): string | undefined {
    return this.pacs?.address;
  }

  /** `host:port` of /metrics of each process, the gateway's first. */
  get metricsAddresses(): string[] {
    const all = [this.gateway, ...this.backends, ...(this.pacs ? [this.pacs] : [])];
    return all.flatMap(({ metricsAddress: at }) => at ?? []);
  }

  /** Starts the services, side by side, and then the gateway; when one fails the others are stopped. */
  static async start(options: StackOptions): Promise<Stack> {
    const { home, processes, startTimeoutMs, log, say } = options;
    // One sentence, and not one of each service.
    await makeFolder(home);
    const started = await Promise.allSettled(
      processes.map((roles, index) =>
        KeptService.start(
          (address) =>
            launchRoles(roles, home, {
              address,
              startTimeoutMs,
              log,
              training: options.training,
              metricsAddress: metricsAddress(options, index + 1),
            }),
          ANY_PORT,
          say,
        ),
      ),
    );
    // The gateway and the bridge name each other: one of them gets its port before it runs.
    const pacsAddress = options.pacs && (await reservedAddress());
    const backends = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    try {
      const failed = started.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      const routes = Object.fromEntries(
        processes.flatMap((roles, index) => roles.map((role) => [role, backends[index]?.address ?? ''])),
      );
      const launch = gatewayLaunch(routes, options, pacsAddress);
      const gateway = await KeptService.start(launch, options.address, say);
      return new Stack(gateway, backends, await startPacs(options, gateway, pacsAddress));
    } catch (error) {
      await Promise.all(backends.map((backend) => backend.stop()));
      throw error;
    }
  }

  /** Stops the bridge, then the gateway, so that no call arrives at a service that is going away. */
  async stop(): Promise<void> {
    await this.pacs?.stop();
    await this.gateway.stop();
    await Promise.all(this.backends.map((backend) => backend.stop()));
  }
}

/** Starts the gateway; after the first time on the port of HTTP that it had then. */
function gatewayLaunch(
  routes: Readonly<Partial<Record<Role, string>>>,
  options: StackOptions,
  pacs: string | undefined,
): (address: string) => Promise<ServiceProcess> {
  const { startTimeoutMs, log, insecure } = options;
  const plain = options.own;
  let httpAddress = options.own ? 'off' : options.httpAddress;
  return async (address) => {
    const metrics = metricsAddress(options, 0);
    const launchOptions = { address, httpAddress, plain, startTimeoutMs, log, metricsAddress: metrics };
    const gateway = await launchGateway(routes, insecure, launchOptions, pacs);
    httpAddress = gateway.httpAddress ?? httpAddress;
    return gateway;
  };
}

async function reservedAddress(): Promise<string> {
  const first = FIRST_PACS_PORT + Math.floor(Math.random() * 5_000);
  const port = await freePorts('127.0.0.1', first, 1);
  if (port === undefined) throw new Error('no port is free for the PACS bridge');
  return withPort(ANY_PORT, port);
}

/** Starts the bridge, when there is to be one; when that fails the gateway is stopped. */
async function startPacs(
  options: StackOptions,
  gateway: KeptService,
  at: string | undefined,
): Promise<KeptService | undefined> {
  const { pacs, processes, startTimeoutMs, log, say, own } = options;
  if (!pacs || at === undefined) return undefined;
  const metrics = metricsAddress(options, processes.length + 1);
  const launch = (address: string) =>
    launchPacs(pacs, gateway.address, { address, startTimeoutMs, log, metricsAddress: metrics }, own);
  try {
    const bridge = await KeptService.start(launch, at, say);
    await known(gateway);
    return bridge;
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}

/** Waits until the gateway has heard from the bridge, which starts after it. */
async function known(gateway: KeptService): Promise<void> {
  const health = new HealthClient(gateway.address);
  await health.serving(PACS_SERVICE, PACS_KNOWN_MS);
  health.close();
}

function metricsAddress({ metricsPort }: StackOptions, position: number): string {
  if (metricsPort === undefined) return 'off';
  return `127.0.0.1:${metricsPort === 0 ? 0 : metricsPort + position}`;
}
