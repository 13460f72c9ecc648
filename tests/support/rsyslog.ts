// Debian's rsyslog as a repository of audit messages: TLS with certificates on both sides, and UDP.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts } from '../../services/stack/free-ports';
import { makeAuthority, type Authority } from './certificates';

/** Debian packages of it. */
export const RSYSLOG_PACKAGES = ['rsyslog', 'rsyslog-gnutls'];

const PROGRAM = '/usr/sbin/rsyslogd';
const TLS_DRIVER = [
  '/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so',
  '/usr/lib/aarch64-linux-gnu/rsyslog/lmnsd_gtls.so',
];

/** Why it cannot run here; undefined: it can. */
export function whyNoRsyslog(): string | undefined {
  if (existsSync(PROGRAM) && TLS_DRIVER.some(existsSync)) return undefined;
  return `apt-get install ${RSYSLOG_PACKAGES.join(' ')}`;
}

export class Rsyslog {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly authority: Authority,
    readonly tlsPort: number,
    readonly udpPort: number,
  ) {}

  /** @param folder that is its own */
  static async start(folder: string): Promise<Rsyslog> {
    mkdirSync(folder, { recursive: true });
    const tlsPort = (await freePorts('127.0.0.1', 31_000 + Math.floor(Math.random() * 9_000), 1)) ?? 0;
    const authority = makeAuthority(folder);
    const { certFile, keyFile } = authority.issue('repository', ['localhost', '127.0.0.1']);
    const rsyslog = new Rsyslog(folder, authority, tlsPort, tlsPort);
    const port = `address="127.0.0.1" port="${tlsPort}"`;
    writeFileSync(
      join(folder, 'rsyslog.conf'),
      `global(workDirectory="${folder}" maxMessageSize="64k" defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="${authority.caFile}"
  defaultNetstreamDriverCertFile="${certFile}" defaultNetstreamDriverKeyFile="${keyFile}")
module(load="imudp")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imtcp" ${port})
input(type="imudp" ${port})
template(name="fields" type="string"
  string="%pri% %protocol-version% %hostname% %app-name% %procid% %msgid% %structured-data% %msg%\\n")
action(type="omfile" file="${rsyslog.file}" template="fields")
`,
    );
    await rsyslog.up();
    return rsyslog;
  }

  private get file(): string {
    return join(this.folder, 'received.log');
  }

  /** Header fields and the message, a line each, as it understood them. */
  received(): string[] {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8').split('\n').filter(Boolean) : [];
  }

  async up(): Promise<void> {
    const args = ['-n', '-f', join(this.folder, 'rsyslog.conf'), '-i', join(this.folder, 'pid')];
    this.child = spawn(PROGRAM, args, { stdio: 'ignore' });
    const end = Date.now() + 30_000;
    while (!(await answers(this.tlsPort))) {
      if (Date.now() > end) throw new Error('rsyslog did not start');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async down(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}
