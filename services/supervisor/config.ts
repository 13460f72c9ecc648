import { z } from 'zod';
import { address, integer, readConfig, serverSettings } from '../common/config';

const shared = serverSettings({ address: '127.0.0.1:0', metricsAddress: 'off' });

export const supervisorSettings = z.object({
  /** Where probes ask; the supervisor answers there for the program that it keeps. */
  healthAddress: z.literal('off').or(address()).default('off'),
  /** What the program gets to drain, milliseconds; five seconds more, and it is killed. */
  shutdownTimeoutMs: shared.shutdownTimeoutMs,
  logLevel: shared.logLevel,
  /** What the program gets until it listens, milliseconds: bases that are loaded first can take long. */
  startTimeoutMs: integer(1).default(600_000),
  /** Between two questions whether the program lives, milliseconds; after six without an answer it is killed and started again. */
  livenessIntervalMs: integer(1).default(10_000),
});

export type SupervisorConfig = Readonly<z.infer<typeof supervisorSettings>>;

export const readSupervisorConfig = (): SupervisorConfig => readConfig(supervisorSettings, process.env);
