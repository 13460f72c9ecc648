import { Command, InvalidArgumentError, Option } from 'commander';
import { withPort } from '../../common/address';
import { ConfigError } from '../../common/config';
import { CONSOLE_PORT } from '../demo/keep-open';
import { asksWhoCalls, loadConfig, requireSafeGateway } from '../program/config';
import { CliError, UsageError } from '../program/errors';
import { logTo } from '../../terminal/log-lines';
import { printLine, printNote, printProblem } from '../../terminal/print';
import { consoleUrl, openBrowser } from '../../terminal/browser';
import { onStopSignal } from '../program/signals';
import { freePorts, isFree } from '../../stack/free-ports';
import { INFERENCE_ROLES, ROLES, type Role } from '../../stack/programs';
import { advertise } from '../../stack/running-server';
import { Stack } from '../../stack/stack';
import { examples, whole } from './options';

interface ServeOptions {
  host: string;
  port: number;
  home?: string;
  roles: Role[];
  insecure?: boolean;
  httpPort?: number;
  http: boolean;
  open?: boolean;
  metricsPort: number;
  metrics: boolean;
  separate?: boolean;
  quiet?: boolean;
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('run gateway and services on this machine until Ctrl-C')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', whole(0, 65_535), 50_051)
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .addOption(new Option('--roles <list>', 'what to serve').argParser(rolesOf).default([...ROLES], ROLES.join(',')))
    .option(
      '--separate',
      'run segmentation and classification in processes of their own; together they share bases and encoder passes',
    )
    .option(
      '--http-port <number>',
      'port of the console and of HTTP/JSON; 0 takes a free one (default: 8080 or the next free one)',
      whole(0, 65_535),
    )
    .option('--no-http', 'offer neither the console nor HTTP/JSON')
    .option('--open', 'open the console in the browser')
    .option(
      '--metrics-port <number>',
      'loopback port of the gateway for Prometheus; the services take those that follow',
      whole(0, 65_000),
      9464,
    )
    .option('--no-metrics', 'offer no metrics')
    .option('--insecure', 'accept that other machines can call without authentication and TLS')
    .option('--quiet', "leave out the services' log lines (standard error)")
    .action(serve);
  return examples(command, [
    'automed serve',
    'automed serve --open',
    'automed serve --port 6000 --home /data/automed',
    'automed serve --host 0.0.0.0 --insecure',
  ]);
}

function rolesOf(text: string): Role[] {
  const words = text.split(',').map((word) => word.trim());
  const roles = ROLES.filter((role) => words.includes(role));
  if (roles.length === 0 || roles.length !== new Set(words).size) {
    throw new InvalidArgumentError(`choose among ${ROLES.join(', ')}.`);
  }
  return roles;
}

/** Training has a process of its own: its crash must not take the others along, and it loads no weights itself. */
function processesOf({ roles, separate }: ServeOptions): Role[][] {
  const inference = roles.filter((role) => INFERENCE_ROLES.includes(role));
  const shared = separate ? inference.map((role) => [role]) : [inference];
  return [...shared.filter((each) => each.length > 0), ...(roles.includes('training') ? [['training' as const]] : [])];
}

const addressAt = (host: string, port: number): string =>
  withPort(host.includes(':') ? `[${host}]:0` : `${host}:0`, port);

/** Beyond this machine the gateway must know who calls, and keys must not travel in the clear. */
function requireSafeHost(host: string, port: number): void {
  try {
    requireSafeGateway(addressAt(host, port));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (asksWhoCalls()) throw new UsageError(error.problems.join('; '));
    throw new UsageError(
      `other machines could call ${host} without authentication; set AUTOMED_KEYS_FILE (or tokens) and TLS, use 127.0.0.1, or accept that with --insecure`,
    );
  }
}

/** What the command line says, not a default. */
const isGiven = (command: Command, option: string): boolean => command.getOptionValueSource(option) !== 'default';

/** The port of the gateway: the one that was asked for, or the next one that is free after the usual one. */
async function gatewayPort({ host, port }: ServeOptions, command: Command): Promise<number> {
  if (port === 0 || (await isFree(host, port))) return port;
  if (isGiven(command, 'port')) {
    throw new CliError(
      `port ${port} (of the gateway) is taken by another program; choose another --port, or 0 for any`,
    );
  }
  const next = await freePorts(host, port + 1, 1);
  if (next === undefined) throw new CliError(`port ${port} (of the gateway) and those after it are taken; use --port`);
  printNote(`port ${port} (of the gateway) is taken; taking ${next}`);
  return next;
}

/** Where the console and HTTP/JSON are; undefined: where the environment says. */
async function httpAddressOf(options: ServeOptions, inherited: string | undefined): Promise<string | undefined> {
  const { http, httpPort, host, port } = options;
  if (!http) return 'off';
  const at = (number: number): string => addressAt(host, number);
  if (httpPort !== undefined) {
    if (httpPort === 0 || (await isFree(host, httpPort))) return at(httpPort);
    throw new CliError(
      `port ${httpPort} (of the console) is taken by another program; choose another --http-port, or 0 for any`,
    );
  }
  if (inherited !== undefined) return undefined;
  // Who asks for any port does not want the usual ones.
  return at(port === 0 ? 0 : ((await freePorts(host, CONSOLE_PORT, 1)) ?? 0));
}

/** The first port of the metrics; undefined for none. */
async function metricsPortOf(options: ServeOptions, command: Command): Promise<number | undefined> {
  const { metrics, metricsPort } = options;
  if (!metrics || metricsPort === 0) return metrics ? 0 : undefined;
  // Of the gateway, and of each process.
  const count = 1 + processesOf(options).length;
  const first = await freePorts('127.0.0.1', metricsPort, count);
  if (first === metricsPort) return first;
  const taken = `a port of the metrics, ${metricsPort} to ${metricsPort + count - 1}, is taken`;
  if (first === undefined || isGiven(command, 'metricsPort')) {
    throw new CliError(`${taken} by another program; choose another --metrics-port, 0 for any, or --no-metrics`);
  }
  printNote(`${taken}; taking ${first} to ${first + count - 1}`);
  return first;
}

async function serve(options: ServeOptions, command: Command): Promise<void> {
  const config = loadConfig();
  const home = options.home ?? config.home;
  if (options.insecure !== true) requireSafeHost(options.host, options.port);
  const port = await gatewayPort(options, command);
  const httpAddress = await httpAddressOf(options, config.httpAddress);
  const metricsPort = await metricsPortOf(options, command);
  // A signal during the start must not leave half a stack behind.
  const stopped = new Promise<void>((resolve) => onStopSignal(() => resolve()));
  const stack = await Stack.start({
    home,
    processes: processesOf(options),
    address: addressAt(options.host, port),
    httpAddress,
    insecure: options.insecure === true,
    startTimeoutMs: config.startTimeoutMs,
    say: printProblem,
    log: options.quiet ? undefined : logTo(process.stderr),
    metricsPort,
  });
  const { address, metricsAddresses: metrics } = stack;
  const found = await advertise(home, { address, roles: options.roles, ends: false, metrics });
  printLine(`listening on ${stack.address} (${options.roles.join(', ')}; store ${home})`);
  if (stack.httpAddress !== undefined) {
    const url = consoleUrl(stack.httpAddress, config.tlsCertFile !== undefined);
    printLine(`console on ${url}`);
    if (options.open) openBrowser(url);
  }
  await stopped;
  found.withdraw();
  await stack.stop();
  printLine('stopped');
}
