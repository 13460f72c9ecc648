import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { modelStoreSettings } from '../store/config';
import type { TlsFiles } from '../common/grpc/tls';
import { flag, integer, list, path, readConfig, requireLoopback, serverSettings, serverTls } from '../common/config';

export const ROLES = ['segmentation', 'classification'] as const;
export type Role = (typeof ROLES)[number];

export const inferenceSettings = z.object({
  ...serverSettings({ address: '127.0.0.1:50052', metricsAddress: '127.0.0.1:9465' }),
  /** Folder of bases and models, or of what this machine keeps of them. */
  home: path().default(() => join(homedir(), '.automed')),
  ...modelStoreSettings,
  /** What this program answers: any of segmentation, classification. */
  roles: list()
    .pipe(z.array(z.enum(ROLES)).min(1, 'must name at least one role'))
    .default([...ROLES]),
  /** References of models that are loaded before the program is ready. */
  preload: list().default([]),
  /** Whether a request may load a model that is not loaded. */
  loadOnDemand: flag().default(true),
  /** Whether a model must answer the golden image of its version as it did at registration before it serves. */
  goldenCheck: flag().default(true),
  /** How long the meaning of `name` and `name@alias` is remembered, milliseconds. */
  resolveTtlMs: integer(0, 3_600_000).default(2_000),
  /** `cpu`, `cuda`, `cuda:N`, or `auto`. */
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, 'must be auto, cpu, cuda or cuda:N')
    .default('auto'),
  /** Threads that run models; workers x threadsPerWorker must not exceed the cores. Default: 1. */
  workers: integer(1, 1024).optional(),
  /** LibTorch threads of each worker. Default: the cores, divided by the workers. */
  threadsPerWorker: integer(1, 1024).optional(),
  /** Images that may wait; beyond it requests are refused. */
  queueCapacity: integer(1, 1_000_000).default(64),
  /** Images per forward pass at most. Default: 1 on a CPU, 8 on a GPU. */
  maxBatch: integer(1, 1024).optional(),
  /** How long an incomplete batch waits for more images, milliseconds. Default: 0 on a CPU, 2 on a GPU. */
  maxBatchWaitMs: integer(0, 10_000).optional(),
  /** What embeddings that are kept for other models and prompts may take, bytes; 0 keeps none. */
  embeddingCacheBytes: integer(0, 2 ** 50).default(256 * 1024 * 1024),
  /** How long an embedding is kept after its last use, milliseconds. */
  embeddingTtlMs: integer(1, 30 * 24 * 3_600_000).default(600_000),
  /** Encoder weights on a CPU: `packed` for the CPU's kernels, `plain`, or `measured` at load (replicas may then differ in the last bits). */
  encoderWeights: z.enum(['packed', 'plain', 'measured']).default('packed'),
  /**
   * `bfloat16`: models whose version agrees with float32 by the rule, measured on their validation images when they were
   * registered, run their encoder in it; all others and prompts stay in float32. Answers say which it was.
   */
  precision: z.enum(['float32', 'bfloat16']).default('float32'),
  /**
   * What the weights in memory may take, bytes. What was not used for the longest time makes room; when all is in use,
   * a request for more is refused. Default: half of the memory of the process' control group.
   */
  weightsBudgetBytes: integer(1, Number.MAX_SAFE_INTEGER).optional(),
  /**
   * What requests may take of the memory, bytes: their images, decoded, and the masks of their answers. It is reserved
   * before an image is decoded; requests beyond it wait. Default: a quarter of the memory of the process' control group.
   */
  requestMemoryBytes: integer(1, Number.MAX_SAFE_INTEGER).optional(),
  /** Images of one stream under way at once. */
  streamImagesInFlight: integer(1, 1024).default(4),
  /** Width x height of an image at most. */
  maxImagePixels: integer(1, 2 ** 31 - 1).default(64_000_000),
  /** Processes without models, keys or settings that decode PNG, JPEG, TIFF and WebP, within limits; 0: this process decodes them. */
  decodeProcesses: integer(0, 1024).default(0),
});

export type InferenceConfig = Readonly<z.infer<typeof inferenceSettings>> & { readonly tls: TlsFiles };

/** Reads the environment and `--insecure`. */
export function readInferenceConfig(args: readonly string[], environment = process.env): InferenceConfig {
  const insecure = args.includes('--insecure') ? { AUTOMED_INSECURE: 'true' } : {};
  const config = readConfig(inferenceSettings, { ...environment, ...insecure });
  requireLoopback(config);
  return Object.freeze({ ...config, tls: serverTls(config) });
}
