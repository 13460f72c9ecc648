// The bridge between picture archives and models: receives objects, applies the site's rules, sends results back. Loads no addon.

import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  analyse,
  dicomResults,
  FileImages,
  GatewayModels,
  GatewayReviews,
  type GatewayAccess,
  pack,
  resultPool,
  verify,
  type MadeObject,
  type StoredResult,
} from '../analysis';
import { AuditForwarder, AuditLog } from '../audit';
import { ReidentificationMap } from '../deidentification';
import { redacted } from '../common/config';
import { tryLock } from '../common/file-lock';
import { Health } from '../common/grpc/health';
import { channelCredentials } from '../common/grpc/tls';
import { isLoopback, withPort } from '../common/address';
import { announce, endWithParent, shutDownOnSignal } from '../common/lifecycle';
import { createLogger, type Logger } from '../common/logging';
import { makeFolder } from '../common/make-folder';
import { Telemetry } from '../common/telemetry';
import { type WatchedFile } from '../common/watched-file';
import { packageVersion } from '../common/installation';
import { archiveNamed, type ArchiveDeps } from './adapters/archives';
import { commitmentOf } from './adapters/commitment';
import { CommitmentReporter } from './adapters/commitment-reporter';
import { courierTo } from './adapters/couriers';
import { listenWeb } from './adapters/dicomweb/listen-web';
import { CommitmentReports } from '../dicom-net/commitment';
import { StorageServer } from '../dicom-net/storage-server';
import { DiskSpace } from './adapters/disk-space';
import { openJournal, type Journal } from './adapters/journal/journal';
import { observeJournal, PacsMetrics } from './adapters/metrics';
import { Purge } from './adapters/purge';
import { Receiver } from './adapters/receiver';
import { storeResult } from './adapters/result-files';
import { clearReceivedFiles } from '../common/received-files';
import { ReviewSender } from './adapters/review-sender';
import { openSite } from './adapters/site-file';
import { Spool } from './adapters/spool';
import { Trail } from './adapters/trail';
import { WatchedFolders } from './adapters/watched-folders';
import type { Site } from '../pacs-site/schema';
import { Bridge } from './domain/bridge';
import { Dispatcher } from './domain/dispatcher';
import { Substitutes, targetOf } from './domain/substitutes';
import { pacsSettings, passwordFrom, readPacsConfig, type PacsConfig } from './config';
import { pacsService } from './handlers/pacs-service';
import type { VerifyDeps } from './handlers/verify-result';
import { buildServer } from './server';

interface Parts {
  config: PacsConfig;
  log: Logger;
  lock: NonNullable<ReturnType<typeof tryLock>>;
  metrics: PacsMetrics;
  site: WatchedFile<Site>;
  journal: Journal;
  spool: Spool;
  outbox: Spool;
  receiver: Receiver;
  trail: Trail;
  forwarder: AuditForwarder;
  identities: ReidentificationMap;
  reports: CommitmentReports;
  images: FileImages;
}

async function main(): Promise<void> {
  endWithParent();
  const config = readPacsConfig(process.argv.slice(2));
  const log = createLogger('pacs', config.logLevel);
  const telemetry = await Telemetry.open('pacs', config);
  log.info({ event: 'start', config: redacted(pacsSettings, config) }, 'starting');

  const parts = await openParts(config, log, telemetry);
  const { site, journal } = parts;
  const dispatcher = dispatcherOf(parts);
  const models = modelsOf(config);
  const reviews = new GatewayReviews(config.gateway, config.pacsCallTimeoutMs, accessOf(config));
  const reporter = new CommitmentReporter({ site: () => site.value, reports: journal.reports, log });
  const bridge = bridgeOf(parts, models, dispatcher, reporter, senderOf(parts, reviews));
  const storage = storageOf(parts);
  let dicomAddress = '';
  const service = pacsService({
    journal,
    site: () => site.value,
    dicomAddress: () => dicomAddress,
    hasRoom: () => parts.receiver.hasRoom,
    away: () => dispatcher.away,
    archive: (name, by) => archiveNamed(name, by, archiveDepsOf(parts)),
    verification: verificationOf(parts, models),
    onSteered: (study, what) => parts.trail.steered(study, what),
    log,
  });
  const server = buildServer({ config, log, telemetry, health: new Health(), services: [service] });

  const metricsAddress = config.metricsAddress === 'off' ? undefined : await telemetry.listen(config.metricsAddress);
  const port = await storage.listen();
  dicomAddress = withPort(`${hostOf(site)}:0`, port);
  const web = await webOf(parts);
  const address = await server.listen();
  shutDownOnSignal({
    timeoutMs: config.shutdownTimeoutMs,
    log,
    drain: async (timeoutMs) => {
      await Promise.all([storage.close(timeoutMs), web?.close(), server.drain(timeoutMs), bridge.stop()]);
      await Promise.all([dispatcher.idle(), reporter.idle()]);
    },
    dispose: async () => {
      site.close();
      models.close();
      reviews.close();
      await resultPool.close();
      await parts.trail.end();
      await parts.forwarder.end();
      parts.identities.close();
      journal.close();
      parts.lock.release();
      await telemetry.close();
    },
  });
  bridge.start(config.pacsAnalyses);
  log.info({ event: 'dicom-listening', address: dicomAddress, titles: site.value.ae_title }, 'receiving DICOM');
  if (web) log.info({ event: 'web-listening', url: web.url }, 'receiving DICOMweb');
  announce(log, metricsAddress === undefined ? { address } : { address, metricsAddress });
}

/** What the bridge keeps in its folder. @throws where another one has it, or the site's file does not hold */
async function openParts(config: PacsConfig, log: Logger, telemetry: Telemetry): Promise<Parts> {
  const site = await openSite(config.pacsSite, log);
  await makeFolder(config.pacsHome);
  const lock = tryLock(join(config.pacsHome, '.pacs.lock'));
  if (!lock) throw new Error('another bridge works in this folder; one folder has one of them');
  const journal = openJournal(join(config.pacsHome, 'journal.db'));
  const metrics = new PacsMetrics(telemetry);
  const spool = await Spool.open(join(config.pacsHome, 'received'));
  const outbox = await Spool.open(join(config.pacsHome, 'results'));
  await clearReceivedFiles(config.pacsHome);
  await sweep(spool, journal.arrivals.files());
  await sweep(outbox, journal.jobs.files());
  observeJournal(telemetry, journal);

  const images = new FileImages((file) => spool.path(file), config.pacsDecodeThreads);
  const receiver = new Receiver({
    spool,
    journal: journal.arrivals,
    room: new DiskSpace(config.pacsHome, () => site.value.storage),
    log,
    count: (outcome, source) => metrics.countObject(outcome, source),
  });
  const trailFolder = join(config.pacsHome, 'audit');
  const source = site.value.ae_title[0] ?? 'AUTOMED';
  const audit = await AuditLog.open(trailFolder, source, journal.auditKey);
  const forwarder = new AuditForwarder({
    folder: trailFolder,
    sender: { source, host: hostname(), program: 'automed-pacs', processId: process.pid },
    target: () => site.value.audit.syslog,
    log,
  });
  const trail = new Trail({ log: audit, auditable: journal.auditable, site: () => site.value });
  await trail.began('start');
  const identities = ReidentificationMap.open(join(config.pacsHome, 'reidentification.db'));
  const kept = {
    site,
    journal,
    spool,
    outbox,
    images,
    receiver,
    trail,
    forwarder,
    identities,
    reports: new CommitmentReports(),
  };
  return { config, log, lock, metrics, ...kept };
}

function verificationOf({ config, journal, spool, receiver }: Parts, models: GatewayModels): VerifyDeps {
  const images = new FileImages((path) => path, config.pacsDecodeThreads);
  const deps = { models, images, build: packageVersion(), inFlight: config.pacsFramesInFlight };
  return {
    home: config.pacsHome,
    hasRoom: () => receiver.hasRoom,
    kept: (uids) => journal.arrivals.filesOf(uids).map((file) => spool.path(file)),
    verify: (result, paths, signal) => verify(result, paths, deps, signal),
  };
}

function accessOf({ token, gatewayCaFile, gatewayCertFile, gatewayKeyFile }: PacsConfig): GatewayAccess {
  const files = { caFile: gatewayCaFile, certFile: gatewayCertFile, keyFile: gatewayKeyFile };
  return { token, credentials: channelCredentials(files) };
}

const modelsOf = (config: PacsConfig): GatewayModels =>
  new GatewayModels(config.gateway, config.pacsCallTimeoutMs, accessOf(config));

function senderOf({ config, log, site, journal, spool, outbox, images }: Parts, reviews: GatewayReviews): ReviewSender {
  return new ReviewSender({
    site: () => site.value,
    reviews: journal.reviews,
    done: (job) => journal.parcels.done(job),
    images,
    received: (file) => readFile(spool.path(file)),
    result: (file) => readFile(outbox.path(file)),
    add: (request, signal) => reviews.add(request, signal),
    inFlight: config.pacsFramesInFlight,
    log,
  });
}

/** Deletes files that no journal names: whoever sent them was never told that they are kept. */
async function sweep(spool: Spool, named: ReadonlySet<string>): Promise<void> {
  for (const name of await spool.names()) {
    if (!named.has(name)) await spool.remove(name);
  }
}

const hostOf = (site: WatchedFile<Site>): string => site.value.listen?.host ?? '127.0.0.1';

function archiveDepsOf({ site, receiver, log }: Parts): ArchiveDeps {
  return { site: site.value, receiver, password: passwordFrom, log };
}

function webOf({ config, log, site, receiver }: Parts): ReturnType<typeof listenWeb> {
  return listenWeb({
    site: () => site.value,
    receiver,
    access: config.access,
    port: config.pacsWebPort,
    isOpen: config.pacsOpen,
    idleMs: config.pacsIdleMs,
    maxConnections: config.pacsConnections,
    log,
  });
}

function storageOf({ config, log, metrics, site, journal, receiver, reports, trail }: Parts): StorageServer {
  const host = hostOf(site);
  const isMutual = site.value.listen?.tls?.client_ca !== undefined;
  if (!config.pacsOpen && !isMutual && !isLoopback(`${host}:0`)) {
    throw new Error(
      `DICOM on ${host} can be reached from other machines, and AE titles prove nothing: give listen.tls with client_ca, or accept that with AUTOMED_PACS_OPEN=true`,
    );
  }
  return new StorageServer(
    {
      host,
      port: config.pacsPort ?? site.value.listen?.port ?? 11_112,
      tls: site.value.listen?.tls,
      maxConnections: config.pacsConnections,
      maxConnectionsPerAddress: config.pacsConnectionsPerAddress,
    },
    {
      listener: () => ({ ownTitles: site.value.ae_title, peers: site.value.accept }),
      receiver,
      commitment: commitmentOf({
        site: () => site.value,
        keptClass: (uid) => journal.arrivals.keptClass(uid),
        commit: (uids) => journal.arrivals.commit(uids),
        keepReport: (...report) => journal.reports.add(...report),
        reports,
      }),
      limits: {
        associateMs: config.pacsAssociateMs,
        idleMs: config.pacsIdleMs,
        maxPduBytes: config.pacsMaxPduBytes,
      },
      log,
      onRefused: (from, reason) => {
        trail.refused(from, reason).catch((err: unknown) => log.error({ err }, 'the audit trail cannot be written'));
      },
      cut: (reason) => {
        metrics.countCut(reason);
        log.warn({ event: 'connection-cut', reason }, 'a connection was cut');
      },
    },
  );
}

function dispatcherOf(parts: Parts): Dispatcher {
  const { config, log, metrics, site, journal, outbox, images, reports, identities } = parts;
  const substitutes = new Substitutes({
    parcels: journal.parcels,
    images,
    read: (file) => readFile(outbox.path(file)),
    inFlight: config.pacsFramesInFlight,
    writer: dicomResults,
    store: (object) => storeResult(outbox, object),
    drop: ({ file }) => outbox.remove(file),
  });
  return new Dispatcher({
    site: () => site.value,
    outbox: journal.outbox,
    courier: (destination) => courierTo(destination, { ...archiveDepsOf(parts), reports, identities }),
    path: (file) => outbox.path(file),
    replace: (...refused) => substitutes.replace(...refused),
    log,
    onDelivery: (...delivery) => metrics.countDelivery(...delivery),
  });
}

function bridgeOf(
  parts: Parts,
  models: GatewayModels,
  dispatcher: Dispatcher,
  reporter: CommitmentReporter,
  reviewing: ReviewSender,
): Bridge {
  const { config, log, metrics, site, journal, spool, outbox, images, receiver, trail, forwarder } = parts;
  const purge = new Purge({
    site: () => site.value,
    retention: journal.retention,
    room: { hasRoom: () => receiver.hasRoom },
    spool,
    outbox,
    log,
    tell: (...deletion) => trail.deleted(...deletion),
    onPurge: () => metrics.countPurge(),
  });
  const folders = new WatchedFolders({
    folders: () => site.value.watch,
    ownTitle: () => site.value.ae_title[0] ?? '',
    receiver,
    log,
  });
  const onStep = (event: string): void => log.debug({ event }, 'a step of an analysis');
  const deps = { models, images, build: packageVersion(), inFlight: config.pacsFramesInFlight, onStep };
  const packing = {
    writer: dicomResults,
    store: async (object: MadeObject) => {
      const stored = await storeResult(outbox, object);
      onStep('result-on-disk');
      return stored;
    },
    drop: ({ file }: StoredResult) => outbox.remove(file),
  };
  return new Bridge({
    site: () => site.value,
    closeDue: (current) => journal.completion.closeDue(current),
    jobs: journal.jobs,
    analyse: (job, signal) => analyse(job, deps, signal),
    pack: ({ rule }, analysis) => {
      const { destinations } = site.value;
      const targets = rule.send_to.map((name) => targetOf(name, destinations[name], journal.parcels));
      return pack(analysis, rule, targets, packing);
    },
    drop: async (results) => void (await Promise.allSettled(results.map(packing.drop))),
    deliver: () => dispatcher.deliver(),
    report: () => reporter.step(),
    review: (signal) => reviewing.step(signal),
    takeIn: (signal) => folders.look(signal),
    tidy: () => purge.step(),
    audit: () => trail.step(),
    forward: (signal) => forwarder.step(signal),
    log,
    onJobEnd: (outcome, code) => metrics.countAnalysis(outcome, code),
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`automed pacs: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
