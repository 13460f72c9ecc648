// Coded terms of what a model draws or tells apart, as DICOM objects need them.

import { z } from 'zod';

/** Text that every character set of DICOM has. */
const ascii = (max: number): z.ZodString =>
  z
    .string()
    .regex(/^[!-~]([ -~]*[!-~])?$/, 'must be printable ASCII without blanks at its ends')
    .regex(/^[^\\]*$/, 'must hold no backslash')
    .max(max);

/** A term of a coding scheme: SCT (SNOMED CT), DCM, or one of the site's own, which begins with 99. */
export const codeSchema = z.object({
  value: ascii(16),
  scheme: z.string().regex(/^[A-Z0-9][A-Z0-9_.-]{0,15}$/, 'must be a coding scheme such as SCT or DCM'),
  meaning: ascii(64),
});

export const termSchema = z.object({
  /** What it is: the type of a segmented property, or the finding that a class stands for. */
  type: codeSchema,
  /** Kind of property; absent: Morphologically Abnormal Structure of SNOMED CT. */
  category: codeSchema.optional(),
  /** Where it is. */
  anatomy: codeSchema.optional(),
  /** Colour that viewers are told, red, green and blue from 0 to 255; absent: by its place in the list. */
  colour: z.array(z.int().min(0).max(255)).length(3).optional(),
});

/** By the name of a structure or class. */
export const termsSchema = z.record(z.string().min(1), termSchema);

export type Code = z.infer<typeof codeSchema>;
export type Term = z.infer<typeof termSchema>;
export type Terms = z.infer<typeof termsSchema>;
