import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  address,
  flag,
  integer,
  path,
  readConfig,
  requireLoopback,
  secret,
  serverSettings,
  serverTls,
} from '../common/config';
import { availableCores } from '../common/cores';
import { accessOf, accessSettings } from '../access/settings';
import type { AccessSettings } from '../access/access';

export const pacsSettings = z.object({
  ...serverSettings({ address: '127.0.0.1:50054', metricsAddress: '127.0.0.1:9467' }),
  /** YAML file of the site: who may send, rules, destinations. Read again when it changes. */
  pacsSite: path(),
  /** Folder of the journal, of what was received and of results. Holds patients' data. */
  pacsHome: path().default(() => join(homedir(), '.automed', 'pacs')),
  /** `host:port` of the gateway that leads to the models. */
  gateway: address().default('127.0.0.1:50051'),
  /** API key or token of the calls to the gateway. */
  token: secret().optional(),
  /** PEM file of the authorities of the gateway's certificate; with it calls go by TLS. */
  gatewayCaFile: path().optional(),
  /** PEM files of the certificate and key that calls show to a gateway that wants one. */
  gatewayCertFile: path().optional(),
  gatewayKeyFile: path().optional(),
  ...accessSettings,
  /** Allows DICOM to be received from other machines, which AE titles alone do not prove. */
  pacsOpen: flag().default(false),
  /** Port of DICOM, instead of the site's `listen.port`; 0 takes a free one. */
  pacsPort: integer(0, 65_535).optional(),
  /** Port of DICOMweb, instead of the site's `web.port`; 0 takes a free one. */
  pacsWebPort: integer(0, 65_535).optional(),
  /** Analyses at a time. */
  pacsAnalyses: integer(1, 64).default(1),
  /** Frames of an analysis that models are asked about at a time. */
  pacsFramesInFlight: integer(1, 64).default(2),
  /** Threads that decode pixels; default: the cores. */
  pacsDecodeThreads: integer(1, 256).default(() => availableCores()),
  /** What a model gets for one frame, milliseconds: loading it from a cold disk included. */
  pacsCallTimeoutMs: integer(1_000).default(300_000),
  /** Connections at a time, and of one address. */
  pacsConnections: integer(1, 10_000).default(100),
  pacsConnectionsPerAddress: integer(1, 10_000).default(25),
  /** Until a connection has asked for an association, milliseconds. */
  pacsAssociateMs: integer(100, 600_000).default(2_000),
  /** Between two packets of an association, milliseconds. */
  pacsIdleMs: integer(1_000, 3_600_000).default(60_000),
  /** Longest PDU that is accepted, bytes. */
  pacsMaxPduBytes: integer(16_384, 16 * 1024 * 1024).default(1024 * 1024),
});

export type PacsConfig = Readonly<z.infer<typeof pacsSettings>> & {
  readonly tls: ReturnType<typeof serverTls>;
  /** Who may send by DICOMweb; absent: everybody. */
  readonly access: Omit<AccessSettings, 'onProblem'> | undefined;
};

/** Reads the environment and `--insecure`. */
export function readPacsConfig(args: readonly string[], environment = process.env): PacsConfig {
  const insecure = args.includes('--insecure') ? { AUTOMED_INSECURE: 'true' } : {};
  const config = readConfig(pacsSettings, { ...environment, ...insecure });
  requireLoopback(config);
  return Object.freeze({ ...config, tls: serverTls(config), access: accessOf(config) });
}

/** The password that a site's file names a variable for. */
export function passwordFrom(name: string | undefined, environment = process.env): string | undefined {
  return name === undefined ? undefined : environment[name];
}
