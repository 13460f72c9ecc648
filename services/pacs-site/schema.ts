// What a site says in its pacs.yaml: who may send, where results go, and which model looks at what.

import { z } from 'zod';
import { ENCODINGS, EXTRAS } from '../analysis/types';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, dots, dashes: at most 64');
/** AE titles have 1 to 16 characters without backslashes, and none is blank (PS3.5, 6.2). */
const aeTitle = z
  .string()
  .regex(/^[\x20-\x5b\x5d-\x7e]{1,16}$/, 'must be an AE title: 1 to 16 characters')
  .refine((text) => text.trim() === text, 'must not begin or end with a space');
const host = z.string().min(1).max(253);
const port = z.int().min(1).max(65_535);
const seconds = (least: number, most: number) => z.number().min(least).max(most);
const DAY_SECONDS = 86_400;

const UNITS: Readonly<Record<string, number>> = { '': 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
/** Bytes as a number, or as text such as `5 GB`. */
const bytes = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^\d+(\.\d+)? ?(KB|MB|GB|TB)?$/, 'must be bytes, such as 5 GB')
    .transform((text) => {
      const [, count = '0', , unit = ''] = /^(\d+(\.\d+)?) ?([KMGT]B)?$/.exec(text) ?? [];
      return Math.round(Number(count) * (UNITS[unit] ?? 1));
    }),
]);

/** PEM files. */
const pem = z.string().min(1);
/** Of a port; with `client_ca` only those may connect who show a certificate of these authorities (mutual TLS). */
const portTls = z.strictObject({ cert: pem, key: pem, client_ca: pem.optional() });
/** Towards a destination or an archive, whose certificate must be of these authorities. */
const peerTls = z
  .strictObject({
    ca: pem,
    /** Our own, for those who ask for it. */
    cert: pem.optional(),
    key: pem.optional(),
    /** Name in the other side's certificate, where it is not the host. */
    name: z.string().min(1).optional(),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key: give both or neither');

const oneOrMore = <T extends z.ZodType>(each: T) =>
  z.union([each.transform((one) => [one]), z.array(each).min(1)]) as unknown as z.ZodType<z.infer<T>[]>;

const range = z
  .strictObject({ min: z.number().min(0).optional(), max: z.number().min(0).optional() })
  .refine(({ min = 0, max = Infinity }) => min <= max, 'min must not be above max');

/** Text with * and ?, compared without regard to case. */
const pattern = z.string().min(1).max(256);

/** All that is given must hold. */
const conditionSchema = z.strictObject({
  modality: oneOrMore(z.string().regex(/^[A-Z0-9_]{1,16}$/, 'must be a modality, such as CT')).optional(),
  body_part: oneOrMore(pattern).optional(),
  series_description: oneOrMore(pattern).optional(),
  /** Values that Image Type must have, such as PRIMARY. */
  image_type: oneOrMore(z.string().min(1).max(16)).optional(),
  calling_ae: oneOrMore(aeTitle).optional(),
  called_ae: oneOrMore(aeTitle).optional(),
  orientation: oneOrMore(z.enum(['axial', 'coronal', 'sagittal', 'oblique', 'none'])).optional(),
  rows: range.optional(),
  columns: range.optional(),
  /** Frames of all images of the series. */
  frames: range.optional(),
});

const RESULTS = ['SEG', 'SR'] as const;

const ruleFields = z.strictObject({
  name,
  when: conditionSchema.default({}),
  task: z.enum(['segmentation', 'classification']),
  /** `name`, `name@3` or `name@alias`. */
  model: z.string().min(1).max(200),
  /** Probability above which a pixel is foreground; default: the model's own. */
  threshold: z.number().gt(0).lt(1).optional(),
  results: z.array(z.enum(RESULTS)).min(1),
  send_to: oneOrMore(name),
  /** Whether the rule waits until no series of the study grows any more. */
  wait_for: z.enum(['series', 'study']).default('series'),
  /** Says what it would do, in `explain`, and does nothing. */
  dry_run: z.boolean().optional(),
  /** Queue of the review service that gets the images on which something was drawn, as they came, with the answer. */
  review: z
    .string()
    .regex(/^[a-z0-9_.-]{1,63}$/, 'must be a queue: 1 to 63 of a-z, 0-9, dashes, dots, underscores')
    .optional(),
});

const ruleSchema = ruleFields.refine(
  ({ review, task, results }) => review === undefined || (task === 'segmentation' && results.includes('SEG')),
  { path: ['review'], message: 'needs task: segmentation, and SEG among the results' },
);

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;

/** What a destination gets of what was drawn. */
const shown = {
  /**
   * Encodings of segmentations, best first: the first one that the receiver takes, and that can hold what was drawn. BINARY: DICOM SEG, one
   * bit a pixel. LABELMAP: structures that do not overlap. CAPTURE: pictures with what was drawn burned in.
   */
  encodings: z
    .array(z.enum(ENCODINGS))
    .min(1)
    .refine(unique, 'must not name an encoding twice')
    .default([...ENCODINGS]),
  /** Sent beside it: captures, and grayscale presentation states. */
  also: z.array(z.enum(EXTRAS)).refine(unique, 'must not name one twice').default([]),
  /** Outside the trust domain: objects go without what identifies the patient (PS3.15 annex E). Absent: as they are. */
  deidentify: z
    .strictObject({
      dates: z.enum(['remove', 'shift', 'keep']).default('remove'),
      characteristics: z.enum(['remove', 'keep']).default('remove'),
      uids: z.enum(['replace', 'keep']).default('replace'),
      device: z.enum(['remove', 'keep']).default('remove'),
      /** Whether captures go, although the pictures may have names burned in. */
      captures: z.boolean().default(false),
    })
    .optional(),
};

const dicomDestination = z.strictObject({
  kind: z.literal('dicom'),
  ...shown,
  host,
  port,
  /** AE title of the receiver. */
  ae: aeTitle,
  /** Our own, where the receiver knows us under another one than the first. */
  calling_ae: aeTitle.optional(),
  /** Absent: without TLS. */
  tls: peerTls.optional(),
  /** What must follow a successful C-STORE until an object counts as delivered: a query that finds it, or storage commitment. */
  proof: z.enum(['none', 'query', 'commitment']).default('none'),
});

const webDestination = z.strictObject({
  kind: z.literal('dicomweb'),
  ...shown,
  /** Of the service, without /studies. */
  url: z.url({ protocol: /^https?$/ }),
  user: z.string().min(1).optional(),
  /** Name of the environment variable that holds the password. */
  password_from: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'must name an environment variable')
    .optional(),
  /** Authorities of an https service that are not the system's. */
  tls: peerTls.optional(),
  /** What must follow a successful answer until an object counts as delivered: a query that finds it. */
  proof: z.enum(['none', 'query']).default('none'),
});

const folderDestination = z.strictObject({ kind: z.literal('folder'), ...shown, path: z.string().min(1) });

const destinationSchema = z.discriminatedUnion('kind', [dicomDestination, webDestination, folderDestination]);

export const siteSchema = z.strictObject({
  /** Under which the bridge can be called; the first one is its own towards others. */
  ae_title: oneOrMore(aeTitle),
  listen: z
    .strictObject({
      host: host.default('127.0.0.1'),
      port: z.int().min(0).max(65_535),
      /** Absent: without TLS. */
      tls: portTls.optional(),
    })
    .optional(),
  /** DICOMweb (STOW-RS); absent: not served. */
  web: z
    .strictObject({
      host: host.default('127.0.0.1'),
      port: z.int().min(0).max(65_535),
      /** Longest body of a request. */
      most: bytes.default(4e9),
      /** Absent: plain HTTP. */
      tls: portTls.optional(),
    })
    .optional(),
  /** Folders into which others put files. */
  watch: z
    .array(
      z.strictObject({
        path: z.string().min(1),
        /** What rules know as its calling AE. */
        ae: aeTitle.default('FOLDER'),
        /** Without a change of a file, seconds: then it counts as whole. */
        settle_seconds: seconds(0, 3_600).default(2),
        /** What becomes of files that are kept: moved into `done`, or deleted. */
        after: z.enum(['move', 'delete']).default('move'),
      }),
    )
    .default([]),
  accept: z
    .array(
      z.strictObject({
        ae: aeTitle,
        address: host.optional(),
        /** Common name of the certificate that it must show; needs listen.tls.client_ca. */
        certificate: z.string().min(1).max(200).optional(),
        /** Where it listens itself: reports of storage commitment go to `address` and this port, else over its own association. */
        port: port.optional(),
        /** Of those reports; absent: without TLS. */
        tls: peerTls.optional(),
      }),
    )
    .default([]),
  complete: z
    .strictObject({
      /** Without a new image of it, seconds. */
      series_seconds: seconds(0.1, DAY_SECONDS).default(10),
      study_seconds: seconds(0.1, DAY_SECONDS).default(60),
      /** Since the first image, whatever still comes, seconds. */
      longest_seconds: seconds(1, 7 * DAY_SECONDS).default(3_600),
    })
    .prefault({}),
  storage: z
    .strictObject({
      most_percent: z.number().gt(0).max(100).default(75),
      reserve: bytes.default(5e9),
      /** Studies of which nothing waits are deleted after so many days. */
      keep_days: z.number().gt(0).max(36_500).default(30),
      /** Bytes of received objects and results, above which finished studies are deleted earlier, oldest first; absent: the disk's limits. */
      most: bytes.optional(),
    })
    .prefault({}),
  delivery: z
    .strictObject({
      /** Attempts until a delivery becomes a dead letter. */
      attempts: z.int().min(1).max(1000).default(12),
      first_seconds: seconds(0.01, DAY_SECONDS).default(2),
      longest_seconds: seconds(0.01, DAY_SECONDS).default(900),
      /** What one object gets, seconds. */
      timeout_seconds: seconds(0.1, 3_600).default(60),
    })
    .prefault({}),
  destinations: z.record(name, destinationSchema).default({}),
  audit: z
    .strictObject({
      /** Repository of audit messages that gets the trail, too (PS3.15 A.6 and A.7); absent: files alone. */
      syslog: z
        .discriminatedUnion('transport', [
          z.strictObject({ transport: z.literal('tls'), host, port: port.default(6514), tls: peerTls }),
          z.strictObject({ transport: z.literal('udp'), host, port: port.default(514) }),
        ])
        .optional(),
    })
    .default({}),
  /** Address at which people open a study in a viewer, such as OHIF; `{study}` stands for its Study Instance UID. Absent: no link. */
  viewer_url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .refine((url) => url.includes('{study}'), 'must hold {study}, which stands for the Study Instance UID')
    .optional(),
  rules: z.array(ruleSchema).default([]),
});

/** Where people open a study; empty where the site names no viewer. */
export const viewerUrlOf = ({ viewer_url: url = '' }: Pick<Site, 'viewer_url'>, study: string): string =>
  url.replaceAll('{study}', encodeURIComponent(study));

export type Site = z.infer<typeof siteSchema>;
export type Rule = Site['rules'][number];
export type Condition = Rule['when'];
export type Destination = Site['destinations'][string];
export type DicomDestination = z.infer<typeof dicomDestination>;
export type WebDestination = z.infer<typeof webDestination>;
export type WatchedFolder = Site['watch'][number];
export type FolderDestination = z.infer<typeof folderDestination>;
