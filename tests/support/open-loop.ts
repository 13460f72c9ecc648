// Calls that arrive when they arrive, whether or not earlier ones were answered (an open loop), as those of many callers do.

import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  status as Code,
  type ServiceError,
} from '@grpc/grpc-js';
import { channelOptions } from '../../services/common/grpc/client';
import { runOpenLoop } from '../../services/load/open-loop';
import { percentile } from '../../services/terminal/statistics';

const same = (bytes: Buffer): Buffer => bytes;

export interface Target {
  address: string;
  /** `/package.Service/Method` */
  path: string;
  /** Serialised requests, taken in turn. */
  requests: readonly Buffer[];
  /** Of each call, from when it was due, milliseconds. */
  deadlineMs: number;
  /** Default: plain text. */
  credentials?: ChannelCredentials;
  /** Of each call; default: none. */
  metadata?: () => Metadata;
  /** Told of each answer. */
  onAnswer?: (bytes: Buffer) => void;
}

/** What became of one call. */
export interface Outcome {
  code: Code;
  /** From when the call was due until its status, milliseconds. */
  ms: number;
}

export class LoadClient {
  private readonly client: Client;
  private next = 0;

  constructor(private readonly target: Target) {
    this.client = new Client(target.address, target.credentials ?? credentials.createInsecure(), channelOptions());
  }

  close(): void {
    this.client.close();
  }

  /** Keeps so many calls under way for a time; calls answered per second. */
  async capacity(concurrency: number, durationMs: number): Promise<number> {
    const begun = performance.now();
    let answered = 0;
    const caller = async (): Promise<void> => {
      while (performance.now() - begun < durationMs) {
        const code = await this.call(60_000);
        if (code !== Code.OK) throw new Error(`a call of the closed loop ended in ${Code[code]}`);
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, caller));
    return (answered * 1000) / (performance.now() - begun);
  }

  /** Sends at this rate, with exponential gaps, for a time; resolves when every call has ended. */
  async openLoop(perSecond: number, durationMs: number, seed = 1): Promise<Outcome[]> {
    const codes: Code[] = [];
    const ended = await runOpenLoop({
      ...{ rate: perSecond, durationMs, deadlineMs: this.target.deadlineMs, seed },
      send: async (timeoutMs, index) => {
        codes[index] = await this.call(timeoutMs);
      },
    });
    return ended.map(({ latencyMs }, index) => ({ code: codes[index]!, ms: latencyMs }));
  }

  private call(timeoutMs: number): Promise<Code> {
    const { requests, path, metadata = () => new Metadata(), onAnswer } = this.target;
    const message = requests[this.next++ % requests.length] ?? Buffer.alloc(0);
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: Buffer): void => {
        if (answer) onAnswer?.(answer);
        resolve(error?.code ?? Code.OK);
      };
      this.client.makeUnaryRequest(path, same, same, message, metadata(), { deadline }, done);
    });
  }
}

/** How the calls of one run ended. */
export interface Summary {
  calls: number;
  /** Answers within the deadline, per second. */
  goodput: number;
  p50: number;
  p99: number;
  /** Of refusals, milliseconds. */
  refusalP50: number;
  byCode: Record<string, number>;
}

export function summarize(outcomes: readonly Outcome[], durationMs: number): Summary {
  const of = (code: Code): number[] => outcomes.filter((each) => each.code === code).map(({ ms }) => ms);
  const answered = of(Code.OK);
  const byCode: Record<string, number> = {};
  for (const { code } of outcomes) byCode[Code[code]] = (byCode[Code[code]] ?? 0) + 1;
  const part = (values: number[], fraction: number): number => (values.length === 0 ? 0 : percentile(values, fraction));
  return {
    calls: outcomes.length,
    goodput: (answered.length * 1000) / durationMs,
    p50: part(answered, 0.5),
    p99: part(answered, 0.99),
    refusalP50: part(of(Code.RESOURCE_EXHAUSTED), 0.5),
    byCode,
  };
}
