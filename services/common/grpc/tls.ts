// TLS of servers and channels, with certificates that are read again when their files change.

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { credentials, experimental, type ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { afterMs, type Alarm } from '../timers';

/** PEM files. */
export interface TlsFiles {
  /** Certificate with its chain, and its key: both or neither. */
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** Certificates of the authorities whose peers are trusted. */
  caFile?: string | undefined;
}

const LOOK_MS = 5_000;

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/**
 * Files as grpc-js' certificate provider. Its own FileWatcherCertificateProvider turns peers away while a file is missing or
 * half written, as during a renewal; here what was last sound goes on, and a certificate changes together with its key.
 */
class CertificateFiles implements experimental.CertificateProvider {
  private readonly caListeners = new Set<CaListener>();
  private readonly identityListeners = new Set<IdentityListener>();
  private ca: Buffer | undefined;
  private identity: { certificate: Buffer; privateKey: Buffer } | undefined;
  private alarm: Alarm | undefined;

  /** @throws Error naming the setting when files cannot be read, or certificate and key do not belong together */
  constructor(
    private readonly files: TlsFiles,
    private readonly onProblem: (error: Error) => void,
    private readonly lookMs: number,
  ) {
    this.read();
  }

  addCaCertificateListener(listener: CaListener): void {
    this.caListeners.add(listener);
    process.nextTick(listener, this.ca === undefined ? null : { caCertificate: this.ca });
    this.watch();
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.caListeners.delete(listener);
    this.rest();
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.add(listener);
    process.nextTick(listener, this.identity ?? null);
    this.watch();
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.delete(listener);
    this.rest();
  }

  private watch(): void {
    this.alarm ??= afterMs(
      this.lookMs,
      () => {
        this.alarm = undefined;
        this.look();
        if (this.caListeners.size + this.identityListeners.size > 0) this.watch();
      },
      { unref: true },
    );
  }

  private rest(): void {
    if (this.caListeners.size + this.identityListeners.size > 0) return;
    this.alarm?.cancel();
    this.alarm = undefined;
  }

  private look(): void {
    try {
      const { ca, identity } = this.read();
      if (ca)
        for (const listener of this.caListeners) listener(this.ca === undefined ? null : { caCertificate: this.ca });
      if (identity) for (const listener of this.identityListeners) listener(this.identity ?? null);
    } catch (error) {
      this.onProblem(error as Error);
    }
  }

  /** Which of them changed. */
  private read(): { ca: boolean; identity: boolean } {
    const { certFile, keyFile, caFile } = this.files;
    const ca = caFile === undefined ? undefined : readFileSync(caFile);
    if (ca !== undefined) new X509Certificate(ca);
    const identity =
      certFile === undefined || keyFile === undefined
        ? undefined
        : { certificate: readFileSync(certFile), privateKey: readFileSync(keyFile) };
    if (identity && !new X509Certificate(identity.certificate).checkPrivateKey(createPrivateKey(identity.privateKey)))
      throw new Error(`the key of ${keyFile ?? ''} is not that of the certificate`);
    const changed = {
      ca: !same(ca, this.ca),
      identity: !same(identity?.certificate, this.identity?.certificate),
    };
    this.ca = ca;
    this.identity = identity;
    return changed;
  }
}

const same = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.equals(b));

export interface TlsOptions {
  /** Told of files that changed and do not hold; the ones before go on. */
  onProblem?: (error: Error) => void;
  /** Between two looks at the files, milliseconds. */
  lookMs?: number;
}

/** Certificate and key of the files with the authorities, again whenever they change; absent files are never told. @returns what ends it */
export function watchIdentity(
  files: TlsFiles,
  onIdentity: (identity: { cert: Buffer; key: Buffer; ca?: Buffer }) => void,
  { onProblem = () => undefined, lookMs = LOOK_MS }: TlsOptions = {},
): () => void {
  const provider = new CertificateFiles(files, onProblem, lookMs);
  let identity: { cert: Buffer; key: Buffer } | undefined;
  let authorities: { ca?: Buffer } = {};
  const tell = (): void => {
    if (identity) onIdentity({ ...identity, ...authorities });
  };
  const identityListener: IdentityListener = (update) => {
    if (update) identity = { cert: update.certificate, key: update.privateKey };
    tell();
  };
  const caListener: CaListener = (update) => {
    if (update) authorities = { ca: update.caCertificate };
    tell();
  };
  // Authorities first: what is told first is whole then.
  if (files.caFile !== undefined) provider.addCaCertificateListener(caListener);
  provider.addIdentityCertificateListener(identityListener);
  return () => {
    provider.removeCaCertificateListener(caListener);
    provider.removeIdentityCertificateListener(identityListener);
  };
}

/** TLS where there is a certificate, with `caFile` of clients that have one of these authorities; else plain text. */
export function serverCredentials(files: TlsFiles, options: TlsOptions = {}): ServerCredentials {
  if (files.certFile === undefined) return ServerCredentials.createInsecure();
  const provider = new CertificateFiles(files, options.onProblem ?? (() => undefined), options.lookMs ?? LOOK_MS);
  const mutual = files.caFile !== undefined;
  // grpc-js 1.14 declares the authorities' provider as the first argument and takes the first for the certificate's.
  return experimental.createCertificateProviderServerCredentials(provider, mutual ? provider : null, mutual);
}

/** TLS where authorities are given, with the certificate of our own for peers that want one; else plain text. */
export function channelCredentials(files: TlsFiles, options: TlsOptions = {}): ChannelCredentials {
  if (files.caFile === undefined) return credentials.createInsecure();
  const provider = new CertificateFiles(files, options.onProblem ?? (() => undefined), options.lookMs ?? LOOK_MS);
  const identity = files.certFile === undefined ? null : provider;
  return experimental.createCertificateProviderChannelCredentials(provider, identity);
}
