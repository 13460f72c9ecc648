import { makeFolder } from '../common/make-folder';
import { KeptService } from './kept-service';
import { ANY_PORT, launchGateway, launchRoles, type LaunchOptions, type Role, type TrainingUse } from './programs';

export interface StackOptions {
  home: string;
  /** Roles of each process; training has one of its own. */
  processes: readonly (readonly Role[])[];
  /** `host:port` of the gateway. */
  address: string;
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
}

/** Gateway and services on this machine, one store, the services on free loopback ports. */
export class Stack {
  private constructor(
    private readonly gateway: KeptService,
    private readonly backends: readonly KeptService[],
  ) {}

  /** `host:port` of the gateway. */
  get address(): string {
    return this.gateway.address;
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
    const backends = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    try {
      const failed = started.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      const routes = Object.fromEntries(
        processes.flatMap((roles, index) => roles.map((role) => [role, backends[index]?.address ?? ''])),
      );
      const launch = (address: string) => {
        const launchOptions: LaunchOptions = {
          address,
          startTimeoutMs,
          log,
          metricsAddress: metricsAddress(options, 0),
        };
        return launchGateway(routes, options.insecure, launchOptions);
      };
      return new Stack(await KeptService.start(launch, options.address, say), backends);
    } catch (error) {
      await Promise.all(backends.map((backend) => backend.stop()));
      throw error;
    }
  }

  /** Stops the gateway first, so that no call arrives at a service that is going away. */
  async stop(): Promise<void> {
    await this.gateway.stop();
    await Promise.all(this.backends.map((backend) => backend.stop()));
  }
}

function metricsAddress({ metricsPort }: StackOptions, position: number): string {
  if (metricsPort === undefined) return 'off';
  return `127.0.0.1:${metricsPort === 0 ? 0 : metricsPort + position}`;
}
