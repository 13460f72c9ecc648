// Words of the API, and units.

import { plural } from './plural';

export const words = {
  /** Of the API, by its words in lower case. */
  states: {
    abandoned: 'abandoned',
    cancelled: 'cancelled',
    cancelling: 'being cancelled',
    checking: 'being checked',
    dead: 'failed for good',
    discarded: 'discarded',
    done: 'done',
    failed: 'failed',
    held: 'held',
    paused: 'paused',
    pausing: 'pausing',
    pending: 'waiting',
    queued: 'waiting',
    ready: 'ready',
    refused: 'refused',
    registered: 'not checked yet',
    rejected: 'has faults',
    resuming: 'resuming',
    running: 'running',
    succeeded: 'succeeded',
    superseded: 'superseded',
  } as Readonly<Record<string, string>>,
  scores: {
    accuracy: 'accuracy',
    auroc: 'AUROC',
    macro_f1: 'macro F1',
    mdsc: 'mean Dice',
    miou: 'mean IoU',
  } as Readonly<Record<string, string>>,
  parts: { test: 'test images', validation: 'validation images' } as Readonly<Record<string, string>>,
  score: (score: string, part: string) => `${score}, ${part}`,
  units: {
    ms: (value: number) => (value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`),
    percent: (share: number) => `${(share * 100).toFixed(1)} %`,
    megabytes: (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`,
    images: (count: number) => plural(count, 'image'),
  },
} as const;
