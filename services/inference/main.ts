// The native server program: any of the roles segmentation and classification in one process, so that they share bases,
// encoder passes and the engine's threads. This is the one place where services import each other: the roles live in
// their own folders and are composed here.

import { poolThreads } from './pool';
import { classificationRole } from '../classification/role';
import { Admission } from '../common/admission';
import { redacted } from '../common/config';
import { garbageCollector } from '../common/garbage';
import type { ServiceRegistration } from '../common/grpc/handlers';
import { Health, modelHealthName } from '../common/grpc/health';
import { whileNotReady } from '../common/grpc/not-ready';
import { announce, endWithParent, shutDownOnSignal } from '../common/lifecycle';
import { createLogger, type Logger } from '../common/logging';
import { Telemetry } from '../common/telemetry';
import { engineStages } from '../common/stages';
import type { ImageIntake } from '../imaging/image-input';
import type { DecoderEnded } from '../isolated-decoding/isolated-decoder';
import { IsolatedDecoders } from '../isolated-decoding/isolated-decoders';
import { segmentationRole } from '../segmentation/role';
import { openStore } from '../store';
import { availableCores } from '../common/cores';
import { MemoryBudget } from '../common/memory-budget';
import { letHeapGrow } from '../common/young-buffers';
import { Embeddings } from './adapters/embeddings';
import { availableMemory } from './adapters/memory';
import { nativeAnalyzer } from './adapters/native-analyzer';
import {
  endedDecoders,
  EngineMetrics,
  observeAdmission,
  observeEngine,
  observeMemory,
  observeWeights,
} from './adapters/metrics';
import { interactiveBases } from './adapters/native-bases';
import { ObservedEngine } from './adapters/observed-engine';
import {
  buildInfo,
  classificationModels,
  type Engine,
  nativeLoader,
  segmentationModels,
  spinBriefly,
  type NativeHost,
} from './adapters/native-engine';
import { inferenceSettings, readInferenceConfig, ROLES, type InferenceConfig, type Role } from './config';
import { checkPrecision, sizeEngine, type EngineSize } from './domain/engine-size';
import { ModelHost } from './domain/model-host';
import { preload } from './domain/preload';
import { Registry } from './domain/registry';
import { every, Soon } from './domain/soon';
import { analysisService } from './handlers/analysis-service';
import { buildServer } from './server';

/** Memory goes back to the system this long after weights were freed, milliseconds: often more follow. */
const TRIM_DELAY_MS = 250;
/** References that nobody asks for just now are looked at no more often than this, milliseconds. */
const SHORTEST_LOOK_MS = 500;

async function main(): Promise<void> {
  endWithParent();
  spinBriefly();
  letHeapGrow();
  const config = readInferenceConfig(process.argv.slice(2));
  const log = createLogger('inference', config.logLevel);
  const telemetry = await Telemetry.open('inference', config);
  const metrics = new EngineMetrics(telemetry);
  const build = buildInfo();
  checkPrecision(config, build);
  const size = sizeEngine(config, availableCores(), build.cudaAvailable);
  const facts = { config: redacted(inferenceSettings, config), engine: size, build, poolThreads };
  log.info({ event: 'start', ...facts }, 'starting');
  const engine = startEngine(size, telemetry, metrics);
  const store = await openStore(config.home, {
    onProblem: (err) => log.warn({ err }, 'a version in the store cannot be read'),
  });
  const health = new Health();
  const trim = memoryTrim(engine);
  const embeddings = new Embeddings(config.embeddingCacheBytes);
  const host = new ModelHost(store, nativeLoader(engine, embeddings, { golden: config.goldenCheck }), {
    ...hostedAs(config),
    ...modelNotices(health, metrics, log),
    onReleased: () => trim.ask(),
  });
  observeWeights(telemetry, host);
  const intake = await imageIntake(config, telemetry, log);
  const away = (err: unknown): void =>
    log.warn({ event: 'store-away', err }, 'the model store does not answer; waiting for it');
  await whileNotReady(config.healthAddress, () => preload(config.preload, (reference) => host.load(reference), away));
  const following = every(Math.max(config.resolveTtlMs, SHORTEST_LOOK_MS), () => host.refresh());

  const server = buildServer({
    config,
    log,
    telemetry,
    health,
    registry: new Registry(store, host),
    admission: admissionOf(engine, size, telemetry),
    roles: hostedServices(config, { host, engine, embeddings }, intake, log),
  });

  const metricsAddress = config.metricsAddress === 'off' ? undefined : await telemetry.listen(config.metricsAddress);
  const address = await server.listen();
  shutDownOnSignal({
    timeoutMs: config.shutdownTimeoutMs,
    log,
    drain: (timeoutMs) => server.drain(timeoutMs),
    dispose: async () => {
      following.stop();
      host.close();
      trim.cancel();
      await engine.close();
      await telemetry.close();
    },
  });
  announce(log, metricsAddress === undefined ? { address } : { address, metricsAddress });
}

/** Gives back memory after weights were freed. */
function memoryTrim(engine: Engine): Soon {
  const garbage = garbageCollector();
  return new Soon(async () => {
    // V8 lets tens of megabytes of what requests left pile up before it collects all of it.
    garbage.major();
    await engine.trimMemory();
  }, TRIM_DELAY_MS);
}

/** What the host is told of its models by the settings. */
const hostedAs = (config: InferenceConfig) => ({
  tasks: config.roles,
  precision: config.precision,
  loadOnDemand: config.loadOnDemand,
  resolveTtlMs: config.resolveTtlMs,
  weightsBudgetBytes: config.weightsBudgetBytes ?? Math.floor(availableMemory() / 2),
});

/** What the host tells of models: to health, metrics and the log. */
const modelNotices = (health: Health, metrics: EngineMetrics, log: Logger) => ({
  onLoaded: (name: string, version: number, seconds: number): void => {
    health.set(modelHealthName(name, version), 'SERVING');
    metrics.loaded(seconds);
    log.info({ event: 'loaded', model: `${name}@${version}`, ms: Math.round(seconds * 1000) }, 'model loaded');
  },
  onUnloaded: (name: string, version: number): void => {
    health.set(modelHealthName(name, version), 'NOT_SERVING');
    log.info({ event: 'unloaded', model: `${name}@${version}` }, 'model unloaded');
  },
  onHeldBack: (reference: string, err: unknown): void =>
    log.error({ event: 'held-back', model: reference, err }, 'a version cannot serve'),
});

/** Requests wait for the engine alone, so that what it has to do says how long. */
function admissionOf(engine: Engine, size: EngineSize, telemetry: Telemetry): Admission {
  const slots = size.workers * size.maxBatch;
  const backlogMs = (): number => {
    const { queuedImages, runningImages, imageTimeMs } = engine.stats();
    const busy = queuedImages + runningImages;
    return busy < size.workers ? 0 : (busy * imageTimeMs) / size.workers;
  };
  const admission = new Admission({ slots, capacity: size.queueCapacity, backlogMs });
  observeAdmission(telemetry, admission);
  return admission;
}

function startEngine(size: EngineSize, telemetry: Telemetry, metrics: EngineMetrics): Engine {
  const engine = new ObservedEngine(size, (timings) => {
    metrics.answered(timings);
    engineStages(timings);
  });
  observeEngine(telemetry, () => engine.stats());
  return engine;
}

/** How requests' images are read, and what memory there is for them. */
async function imageIntake(config: InferenceConfig, telemetry: Telemetry, log: Logger): Promise<ImageIntake> {
  const bytes = config.requestMemoryBytes ?? Math.floor(availableMemory() / 4);
  const memory = new MemoryBudget(bytes, config.queueCapacity);
  observeMemory(telemetry, memory);
  const limits = { maxBytes: config.maxMessageBytes, maxPixels: config.maxImagePixels };
  const ended = endedDecoders(telemetry);
  const onEnded = (err: DecoderEnded): void => {
    ended.inc();
    log.warn({ event: 'decoder-ended', err }, 'a process that decodes images ended with one');
  };
  const count = config.decodeProcesses;
  const decoders = count > 0 ? await IsolatedDecoders.start({ count, limits, onEnded }) : undefined;
  return { ...limits, memory, inspect: decoders?.inspect };
}

/** The services of the roles that the program has. */
function hostedServices(
  config: InferenceConfig,
  { host, engine, embeddings }: { host: NativeHost; engine: Engine; embeddings: Embeddings },
  intake: ImageIntake,
  log: Logger,
): ServiceRegistration[] {
  const shared = { intake, log, streamImagesInFlight: config.streamImagesInFlight };
  const bases = interactiveBases(host, engine, embeddings, config.embeddingTtlMs);
  const roles: Record<Role, () => ServiceRegistration[]> = {
    segmentation: () => segmentationRole({ ...shared, models: segmentationModels(host, engine, embeddings), bases }),
    classification: () => [classificationRole({ ...shared, models: classificationModels(host, engine, embeddings) })],
  };
  const hosted = new Set(config.roles);
  const services = [...hosted].flatMap((role) => roles[role]());
  // A program with one role would fail half of the lists that a gateway sends to whoever offers the service.
  if (hosted.size === ROLES.length) {
    services.push(analysisService({ analyzer: nativeAnalyzer(host, engine, embeddings), intake, log }));
  }
  return services;
}

main().catch((error: unknown) => {
  // No logger yet, or none that is sure to work: a person reads this.
  process.stderr.write(`automed inference: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
