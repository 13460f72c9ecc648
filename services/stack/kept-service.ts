import { describeExit, type ServiceProcess } from './service-process';
import { sleepMs } from '../common/timers';

export interface Backoff {
  firstMs: number;
  longestMs: number;
  /** A service that lived this long starts again at once when it dies. */
  stableMs: number;
}

const BACKOFF: Backoff = { firstMs: 500, longestMs: 30_000, stableMs: 60_000 };

/** A service that is started again, on the same address, when it dies. */
export class KeptService {
  private readonly stopping = new AbortController();
  private readonly watching: Promise<void>;

  private constructor(
    private current: ServiceProcess,
    private readonly launch: (address: string) => Promise<ServiceProcess>,
    private readonly say: (line: string) => void,
    private readonly backoff: Backoff,
  ) {
    this.address = current.address;
    this.httpAddress = current.httpAddress;
    this.watching = this.watch();
  }

  /** `host:port`; the same for every life of the service. */
  readonly address: string;

  /** `host:port` of HTTP/JSON, where the service offers it. */
  readonly httpAddress: string | undefined;

  /** `host:port` of /metrics of its present life. */
  get metricsAddress(): string | undefined {
    return this.current.metricsAddress;
  }

  get pid(): number | undefined {
    return this.current.pid;
  }

  /**
   * Starts it for the first time; rejects when that fails.
   * @param launch starts a process that listens on the given address
   * @param say hears, in one line, of every death and every failed start
   */
  static async start(
    launch: (address: string) => Promise<ServiceProcess>,
    address: string,
    say: (line: string) => void,
    backoff: Backoff = BACKOFF,
  ): Promise<KeptService> {
    return new KeptService(await launch(address), launch, say, backoff);
  }

  /** Ends the present life at once, so that the next begins. @returns false when it has ended already */
  kill(): boolean {
    return this.current.kill();
  }

  /** Lets calls in flight finish and ends the process. @param graceMs after which it is killed; default: as ServiceProcess.stop() */
  async stop(graceMs?: number): Promise<void> {
    this.stopping.abort();
    await this.current.stop(graceMs);
    await this.watching;
    // It may have been started again while it was told to stop.
    await this.current.stop(graceMs);
  }

  private async watch(): Promise<void> {
    let failures = 0;
    while (!this.stopping.signal.aborted) {
      const begun = Date.now();
      const exit = await this.current.exited;
      if (this.stopping.signal.aborted) return;
      failures = Date.now() - begun < this.backoff.stableMs ? failures : 0;
      this.say(`the ${this.current.name} ${describeExit(exit)}; starting it again`);
      failures = await this.relaunch(failures);
    }
  }

  /** Tries until it runs or is no longer wanted; returns the count of failures in a row. */
  private async relaunch(failures: number): Promise<number> {
    for (let count = failures; ; count += 1) {
      const wait = count === 0 ? 0 : Math.min(this.backoff.longestMs, this.backoff.firstMs * 2 ** (count - 1));
      await sleepMs(wait, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return count;
      try {
        this.current = await this.launch(this.address);
        return count + 1;
      } catch (error) {
        this.say(error instanceof Error ? error.message : String(error));
      }
    }
  }
}
