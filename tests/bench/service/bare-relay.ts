// What a hop costs that does nothing: a relay of grpc-js alone, in a process of its own as the gateway is, called in turn with the
// builds. What a gateway takes beyond it is its own.

import { join } from 'node:path';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { channelOptions } from '../../../services/common/grpc/client';
import { startProgram, type Program } from '../../support/stack';
import { BARE_METHOD, bytes } from './bare-method';

const program = (...backend: string[]): Promise<Program> =>
  startProgram('bare', {}, [
    ...['-r', join(__dirname, '../../support/stack-register.cjs'), join(__dirname, 'bare-program.ts')],
    ...backend,
  ]);

/** Times of one pair of calls, milliseconds. */
export interface BareTimes {
  /** To the server, its answer included. */
  direct: number;
  /** What the way through the relay takes besides. */
  hop: number;
}

export class BareRelay {
  private constructor(
    private readonly programs: readonly Program[],
    private readonly direct: Client,
    private readonly relayed: Client,
  ) {}

  static async start(): Promise<BareRelay> {
    const server = await program();
    const relay = await program(server.address);
    const client = ({ address }: Program): Client =>
      new Client(address, credentials.createInsecure(), channelOptions());
    return new BareRelay([relay, server], client(server), client(relay));
  }

  /** Sends a message through the relay and then past it. */
  async send(message: Buffer): Promise<BareTimes> {
    const through = await timed(this.relayed, message);
    const direct = await timed(this.direct, message);
    return { direct, hop: through - direct };
  }

  async stop(): Promise<void> {
    for (const client of [this.direct, this.relayed]) client.close();
    for (const each of this.programs) await each.stop();
  }
}

async function timed(client: Client, message: Buffer): Promise<number> {
  const begun = performance.now();
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(BARE_METHOD.path, bytes, bytes, message, new Metadata(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return performance.now() - begun;
}
