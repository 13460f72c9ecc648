// What a worker is told about an import, and what it reports. Kept apart from training's protocol: an import knows no data.

import { z } from 'zod';
import { channelsSchema, fitSchema, resizeSchema, nameSchema } from '../../store/manifests';

export const importSpecSchema = z.strictObject({
  /** Root of the model store. */
  store: z.string(),
  /** Name of the base to register. */
  name: nameSchema,
  /** The published file: .pth or safetensors. */
  file: z.string(),
  /** A name of BASE_ARCHITECTURES. */
  arch: z.string(),
  /** Edge of the base's images; position tables of another size are interpolated. Default: the architecture's own. */
  imageSize: z.int().min(16).max(4096).multipleOf(16).optional(),
  /** How images are brought to that size, in which channel order and by which interpolation. Default: what the weights know. */
  fit: fitSchema.optional(),
  channels: channelsSchema.optional(),
  resize: resizeSchema.optional(),
  /** The file is SAM's, the architecture has adapters: they start at random. */
  newAdapters: z.boolean().default(false),
  /** Of the adapters. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  licence: z.string().default('not stated; see where the file comes from'),
});

export const importBackboneSpecSchema = z.strictObject({
  store: z.string(),
  /** Name of the backbone to register. */
  name: nameSchema,
  file: z.string(),
  /** `mobilenet-v3-large`: torchvision's weights; `hardnet-85`: HarDNet's. */
  kind: z.enum(['mobilenet-v3-large', 'hardnet-85']),
  /** Of the MobileNet's blocks: `improved` are the paper's, which no published file has. */
  se: z.enum(['improved', 'plain']).default('improved'),
  /** Of what the file does not have. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  licence: z.string().default('not stated; see where the file comes from'),
});

const shape = z.array(z.int());

export const importReportSchema = z.object({
  file: z.object({
    /** Without its folder. */
    name: z.string(),
    bytes: z.int(),
    sha256: z.string(),
    /** `PyTorch zip`, `PyTorch legacy`, `safetensors`. */
    format: z.string(),
    /** Whether the checksum begins as the name says (`sam_vit_b_01ec64.pth`); null when the name says nothing. */
    named: z.boolean().nullable(),
  }),
  /** Null for a backbone, which sees images of any size. */
  imageSize: z.int().nullable(),
  /** What was written. */
  weights: z.object({ tensors: z.int(), parameters: z.int(), bytes: z.int(), sha256: z.string() }),
  /** What stood before the names of the file and was dropped, e.g. `module._orig_mod.`; else empty. */
  prefix: z.string(),
  /** Position tables that were interpolated, with their shapes. */
  converted: z.array(z.object({ name: z.string(), from: shape, to: shape })),
  /** Entries of the file that were not wanted, e.g. `optimizer`. */
  leftOut: z.array(z.string()),
  /** Tensors that the file does not have by design: random, left to train. */
  untrained: z.array(z.string()),
});

export type ImportSpec = z.infer<typeof importSpecSchema>;
export type ImportBackboneSpec = z.infer<typeof importBackboneSpecSchema>;
export type ImportReport = z.infer<typeof importReportSchema>;
