// Looks at every image and mask of a data folder, as training would use it, without training.

import { type Part, PARTS } from '../datasets/files/part-names';
import type { DataFolder } from '../datasets/samples/sample';
import { countClasses, factsOf, findingsOf, type Seen } from './findings';
import type { Finding } from '../datasets/samples/finding';
import { decodeInOrder, problemOf, type DecodedSample } from '../datasets/load/load-samples';
import type { ModelInput } from './input-axes';
import { maskReading } from './mask-findings';
import { fingerprintOf } from '../datasets/samples/fingerprint';

interface Range {
  min: number;
  median: number;
  max: number;
}

export interface PartSummary {
  images: number;
  /** Per class, in the order of the classes; empty for segmentation. */
  perClass: number[];
  /** Longer side, pixels; absent without images. */
  side?: Range;
  /** Foreground share of each mask, 0 to 1; absent for classification. */
  foreground?: Range;
}

export interface DataReport {
  parts: Record<Part, PartSummary>;
  classes: string[];
  groupColumn: string | undefined;
  /** Samples without a group, of all. */
  ungrouped: number;
  /** The same that training records of the same folder, split and files. */
  fingerprint: string;
  /** How masks were read; absent where there are none but DICOM. */
  masks?: string;
  findings: Finding[];
}

export interface CheckOptions {
  signal?: AbortSignal;
  /** Images decoded at a time. */
  parallel?: number | undefined;
  /** Of the model that the samples are for; absent: 256 x 256 pixels. */
  input?: ModelInput | undefined;
  /** Called after each image. */
  onProgress?: (done: number, total: number) => void;
  /** Sees each sample while its pixels are there. */
  onSample?: (decoded: DecodedSample) => void;
}

/** Opens every pair, a few at a time and in order; memory holds one line per image. */
export async function checkData(folder: DataFolder, options: CheckOptions = {}): Promise<DataReport> {
  const total = PARTS.reduce((sum, part) => sum + folder.parts[part].length, 0);
  const lines = folder.classes.map((name, index) => `class ${index} ${name}`);
  const unusable = [...folder.problems];
  const seen: Seen[] = [];
  let done = 0;
  for (const part of PARTS) {
    for await (const result of decodeInOrder(folder.parts[part], { parallel: options.parallel })) {
      options.signal?.throwIfAborted();
      options.onProgress?.((done += 1), total);
      if ('problem' in result) unusable.push(problemOf(result));
      else {
        seen.push(factsOf(part, result, options.input));
        options.onSample?.(result);
        lines.push(`${part} ${result.sample.name} ${result.digest}`);
      }
    }
  }
  const findings = findingsOf(seen, folder, unusable);
  const summary = (part: Part): PartSummary =>
    summaryOf(
      seen.filter((each) => each.part === part),
      folder.classes,
    );
  const masks = maskReading(seen.flatMap(({ maskFacts }) => maskFacts ?? []));
  return {
    ...(masks === '' ? {} : { masks }),
    parts: { train: summary('train'), validation: summary('validation'), test: summary('test') },
    classes: folder.classes,
    groupColumn: folder.groupColumn,
    ungrouped: seen.filter(({ sample }) => sample.group === undefined).length,
    fingerprint: fingerprintOf(lines),
    findings,
  };
}

function rangeOf(values: readonly number[]): Range | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return sorted.length === 0 ? undefined : { min: at(0), median: at(0.5), max: at(1) };
}

function summaryOf(seen: readonly Seen[], classes: readonly string[]): PartSummary {
  const side = rangeOf(seen.map((each) => each.side));
  const foreground = rangeOf(seen.flatMap((each) => each.foreground ?? []));
  return {
    images: seen.length,
    perClass: countClasses(seen, classes),
    ...(side ? { side } : {}),
    ...(foreground ? { foreground } : {}),
  };
}
