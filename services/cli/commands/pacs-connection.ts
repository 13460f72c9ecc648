// The bridge that commands speak to.

import { join } from 'node:path';
import type { Command } from 'commander';
import { AutomedClient, type ClientOptions, type PacsClient } from '../../client';
import { channelCredentials } from '../../common/grpc/tls';
import { backendFiles } from '../../stack/config';
import { runningServer } from '../../stack/running-server';
import { loadConfig } from '../program/config';
import { CliError } from '../program/errors';

export interface PacsOptions {
  address?: string;
  folder?: string;
  json?: boolean;
}

const TIMEOUT_MS = 30_000;

export function connected(command: Command): Command {
  return command
    .option('--address <host:port>', 'a bridge, or a gateway that leads to one (default: the one of the folder)')
    .option('--folder <folder>', 'folder of the bridge (default: pacs in AUTOMED_HOME)')
    .option('--json', 'print one JSON document');
}

export async function withPacs<T>(
  { address, folder }: PacsOptions,
  work: (client: PacsClient) => Promise<T>,
): Promise<T> {
  const place = folder ?? join(loadConfig().home, 'pacs');
  const found = address ?? (await runningServer(place, []))?.address;
  if (found === undefined) {
    throw new CliError(`no bridge runs in ${place}; start one with \`automed pacs serve\`, or name it with --address`);
  }
  const access = address === undefined ? { credentials: channelCredentials(backendFiles()) } : gatewayAccess();
  const client = new AutomedClient(found, { timeoutMs: TIMEOUT_MS, ...access });
  try {
    return await work(client.pacs);
  } finally {
    client.close();
  }
}

/** A bridge that was found is on this machine; what is named may be a gateway that asks who calls. */
function gatewayAccess(): Pick<ClientOptions, 'credentials' | 'metadata'> {
  const { token, gatewayCaFile, gatewayCertFile, gatewayKeyFile } = loadConfig();
  const files = { caFile: gatewayCaFile, certFile: gatewayCertFile, keyFile: gatewayKeyFile };
  return {
    credentials: channelCredentials(files),
    ...(token === undefined ? {} : { metadata: { authorization: `Bearer ${token}` } }),
  };
}
