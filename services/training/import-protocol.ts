// What a worker is told about an import, and what it reports. Kept apart from training's protocol: an import knows no data.

import { z } from 'zod';

export const importSpecSchema = z.strictObject({
  /** Root of the model store. */
  store: z.string(),
  /** Name of the base to register. */
  name: z.string(),
  /** The published file: .pth or safetensors. */
  file: z.string(),
  /** A name of BASE_ARCHITECTURES. */
  arch: z.string(),
  /** Edge of the base's images; position tables of another size are interpolated. Default: the architecture's own. */
  imageSize: z.int().min(16).max(4096).multipleOf(16).optional(),
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
  imageSize: z.int(),
  /** What was written. */
  weights: z.object({ tensors: z.int(), parameters: z.int(), bytes: z.int(), sha256: z.string() }),
  /** Position tables that were interpolated, with their shapes. */
  converted: z.array(z.object({ name: z.string(), from: shape, to: shape })),
  /** Entries of the file that were not wanted, e.g. `optimizer`. */
  leftOut: z.array(z.string()),
});

export type ImportSpec = z.infer<typeof importSpecSchema>;
export type ImportReport = z.infer<typeof importReportSchema>;
