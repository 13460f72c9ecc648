import { z } from 'zod';
import { readConfig, serverSettings } from '../common/config';
import type { TlsFiles } from '../common/grpc/tls';

const { shutdownTimeoutMs } = serverSettings({ address: '127.0.0.1:0', metricsAddress: 'off' });
/** What a program gets beyond its drain to free its models and end, milliseconds. */
export const DISPOSE_MS = 5_000;

/** The environment of a program that the stack starts: ours, with what it sets for it. */
export function childEnvironment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...settings };
}

/** After which a program that was told to end is killed, milliseconds: AUTOMED_SHUTDOWN_TIMEOUT_MS is what its calls get to finish. */
export function stopGraceMs(environment = process.env): number {
  return readConfig(z.object({ shutdownTimeoutMs }), environment).shutdownTimeoutMs + DISPOSE_MS;
}

/** No TLS of a server, whatever the environment says. */
export const PLAIN: Readonly<Record<string, string>> = {
  AUTOMED_TLS_CERT_FILE: '',
  AUTOMED_TLS_KEY_FILE: '',
  AUTOMED_TLS_CLIENT_CA_FILE: '',
};

/** A gateway in the clear, whatever the environment says of another one. */
export const PLAIN_GATEWAY: Readonly<Record<string, string>> = {
  AUTOMED_GATEWAY_CA_FILE: '',
  AUTOMED_GATEWAY_CERT_FILE: '',
  AUTOMED_GATEWAY_KEY_FILE: '',
};

/**
 * TLS of the services behind a gateway of ours, as settings. AUTOMED_TLS_* are then the gateway's: services on loopback speak in the
 * clear, unless AUTOMED_BACKEND_TLS_CA_FILE says by which authorities the gateway knows them.
 */
export function backendTls(environment = process.env): Readonly<Record<string, string>> {
  return environment['AUTOMED_BACKEND_TLS_CA_FILE'] ? {} : PLAIN;
}

/** By which files callers on this machine know such a service; none where it speaks in the clear. */
export function backendFiles(environment = process.env): TlsFiles {
  const of = (name: string): string | undefined => {
    const file = environment[`AUTOMED_BACKEND_TLS_${name}_FILE`];
    return file === '' ? undefined : file;
  };
  return { caFile: of('CA'), certFile: of('CERT'), keyFile: of('KEY') };
}
