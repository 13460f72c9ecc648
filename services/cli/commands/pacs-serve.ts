import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { ANY_PORT, INFERENCE_ROLES, launchPacs, type LaunchOptions, type PacsLaunch } from '../../stack/programs';
import { KeptService } from '../../stack/kept-service';
import { advertise } from '../../stack/running-server';
import { Stack } from '../../stack/stack';
import { loadConfig } from '../program/config';
import { logTo } from '../../terminal/log-lines';
import { printLine, printProblem } from '../../terminal/print';
import { onStopSignal } from '../program/signals';
import { examples, whole } from './options';

interface ServeOptions {
  site?: string;
  folder?: string;
  home?: string;
  address?: string;
  port?: number;
  open?: boolean;
  quiet?: boolean;
}

export function pacsServeCommand(): Command {
  const command = new Command('serve')
    .description('receive DICOM, analyse what rules name, and send results back, until Ctrl-C')
    .option('--site <file>', 'who may send, rules and destinations (default: pacs.yaml in the folder)')
    .option('--folder <folder>', 'journal, received objects and results (default: pacs in the store)')
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--address <host:port>', 'a running gateway; without it gateway and models are started, too')
    .option('--port <number>', "port of DICOM, instead of the site's; 0 takes a free one", whole(0, 65_535))
    .option('--open', 'let other machines send: AE titles alone do not prove who they are')
    .option('--quiet', "leave out the services' log lines (standard error)")
    .action(serve);
  return examples(command, ['automed pacs serve --site pacs.yaml', 'automed pacs serve --address 127.0.0.1:50051']);
}

/** A bridge that runs, and what it needs. */
interface Running {
  /** `host:port` of the bridge. */
  address: string;
  /** `host:port` of the gateway that leads to the models. */
  gateway: string;
  stop(): Promise<void>;
}

async function serve(options: ServeOptions): Promise<void> {
  const config = loadConfig();
  const home = options.home ?? config.home;
  const folder = resolve(options.folder ?? join(home, 'pacs'));
  const site = resolve(options.site ?? join(folder, 'pacs.yaml'));
  const stopped = new Promise<void>((done) => onStopSignal(() => done()));
  const pacs: PacsLaunch = { site, folder, port: options.port, open: options.open };
  const log = options.quiet ? undefined : logTo(process.stderr);
  const gateway = options.address ?? (config.gateway === '' ? undefined : config.gateway);
  const { startTimeoutMs } = config;
  const running =
    gateway === undefined
      ? await withModels(home, pacs, { startTimeoutMs, log })
      : await alone(pacs, gateway, { startTimeoutMs, log });
  const found = await advertise(folder, { address: running.address, roles: [], ends: false });
  printLine(`the bridge runs (${running.address}; gateway ${running.gateway}; folder ${folder})`);
  await stopped;
  found.withdraw();
  await running.stop();
  printLine('stopped');
}

type Start = Pick<LaunchOptions, 'startTimeoutMs' | 'log'>;

async function withModels(home: string, pacs: PacsLaunch, { startTimeoutMs, log }: Start): Promise<Running> {
  const stack = await Stack.start({
    home,
    processes: [INFERENCE_ROLES],
    address: ANY_PORT,
    own: true,
    insecure: false,
    startTimeoutMs,
    say: printProblem,
    log,
    pacs,
  });
  return { address: stack.pacsAddress ?? '', gateway: stack.address, stop: () => stack.stop() };
}

async function alone(pacs: PacsLaunch, gateway: string, { startTimeoutMs, log }: Start): Promise<Running> {
  const launch = (address: string) =>
    launchPacs(pacs, gateway, { address, startTimeoutMs, log, metricsAddress: 'off' });
  const bridge = await KeptService.start(launch, ANY_PORT, printProblem);
  return { address: bridge.address, gateway, stop: () => bridge.stop() };
}
