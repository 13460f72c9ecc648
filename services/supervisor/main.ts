// Keeps one program: `node main.js inference`, and what follows goes on to it. A crash of native code takes that process, not this one, which loads no addon:
// it starts the program again at once, later each time where it keeps dying, and tells probes the truth meanwhile. Calls do not
// come through here.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerProbes } from '../common/grpc/server';
import { Health } from '../common/grpc/health';
import { announce, endWithParent, shutDownOnSignalEarly } from '../common/lifecycle';
import { createLogger } from '../common/logging';
import { DISPOSE_MS } from '../stack/config';
import { KeptService } from '../stack/kept-service';
import { INFERENCE } from '../stack/programs';
import { ServiceProcess, type Program } from '../stack/service-process';
import { HealthClient } from '../common/grpc/health-client';
import { readSupervisorConfig } from './config';
import { killWhenSilent } from './silence';

const PROGRAMS: Readonly<Record<string, Program>> = { inference: INFERENCE };

async function main(): Promise<void> {
  endWithParent();
  const [, , name = '', ...args] = process.argv;
  const program = PROGRAMS[name];
  if (!program) throw new Error(`name the program to keep: ${Object.keys(PROGRAMS).join(', ')}`);
  const config = readSupervisorConfig();
  const log = createLogger('supervisor', config.logLevel);
  const folder = mkdtempSync(join(tmpdir(), 'automed-supervisor-'));
  const socket = `unix:${join(folder, 'health.sock')}`;

  const child = new HealthClient(socket);
  const health = new Health((name) => child.check(name));
  const probes = config.healthAddress === 'off' ? undefined : await answerProbes(config.healthAddress, health);
  // What it is told in the environment goes on to it, e.g. where to listen; a later life takes the same port.
  const launch = (address: string): Promise<ServiceProcess> =>
    ServiceProcess.start(program, {
      args,
      settings: { AUTOMED_HEALTH_ADDRESS: socket, ...(address === '' ? {} : { AUTOMED_ADDRESS: address }) },
      startTimeoutMs: config.startTimeoutMs,
      log: (line) => process.stdout.write(`${line}\n`),
    });
  const stages = shutDownOnSignalEarly({ timeoutMs: config.shutdownTimeoutMs, log });
  stages.dispose = () => {
    child.close();
    probes?.forceShutdown();
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  };
  const say = (line: string): void => log.error({ event: 'program-died' }, line);
  // What has not begun to listen ends with this process.
  const kept = await KeptService.start(launch, '', say);
  const stopping = new AbortController();
  stages.drain = (timeoutMs) => {
    stopping.abort();
    return kept.stop(timeoutMs + DISPOSE_MS);
  };
  void killWhenSilent(kept, {
    check: (service) => child.check(service),
    intervalMs: config.livenessIntervalMs,
    say: (line) => log.error({ event: 'program-hung' }, line),
    signal: stopping.signal,
  });
  announce(log, { address: kept.address });
}

main().catch((error: unknown) => {
  process.stderr.write(`automed supervisor: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
