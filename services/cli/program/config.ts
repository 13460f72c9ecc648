import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { accessOf, accessSettings } from '../../access/settings';
import { address, integer, path, readConfig, requireLoopback, secret } from '../../common/config';

const schema = z.object({
  /** Folder of the store: bases, models, jobs. */
  home: z.string().default(join(homedir(), '.automed')),
  /** Gateway that commands call, `host:port`; empty means a stack of their own. */
  gateway: z.literal('').or(address()).default(''),
  /** Where gateways of this command serve HTTP/JSON and the console; absent: `serve` chooses. */
  httpAddress: z.literal('off').or(address()).optional(),
  /** API key or token of the calls to a gateway. */
  token: secret().optional(),
  /** PEM file of the certificate of gateways that this command starts. */
  tlsCertFile: path().optional(),
  /** PEM file of the authorities of a gateway's certificate; with it calls go by TLS. */
  gatewayCaFile: path().optional(),
  /** PEM files of the certificate and key that calls show to a gateway that wants one. */
  gatewayCertFile: path().optional(),
  gatewayKeyFile: path().optional(),
  /** What a service may take to listen, milliseconds: loading LibTorch from a cold disk is slow. */
  startTimeoutMs: integer(1).default(120_000),
});

export type CliConfig = Readonly<z.infer<typeof schema>>;

export function loadConfig(environment: NodeJS.ProcessEnv = process.env): CliConfig {
  return readConfig(schema, environment);
}

const gatewaySchema = z.object({
  ...accessSettings,
  /** PEM files of TLS of gateways that this command starts: certificate, key, authorities of clients' certificates. */
  tlsCertFile: path().optional(),
  tlsKeyFile: path().optional(),
  tlsClientCaFile: path().optional(),
});

/** Whether a gateway that this command starts asks who calls, by keys or tokens. @throws ConfigError */
export function asksWhoCalls(environment: NodeJS.ProcessEnv = process.env): boolean {
  return accessOf(readConfig(gatewaySchema, environment)) !== undefined;
}

/** Refuses before anything runs what the gateway would refuse at its start. @throws ConfigError */
export function requireSafeGateway(gateway: string, environment: NodeJS.ProcessEnv = process.env): void {
  const config = readConfig(gatewaySchema, environment);
  requireLoopback({ ...config, address: gateway, metricsAddress: 'off', insecure: false }, asksWhoCalls(environment));
}
