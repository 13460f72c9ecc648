// What a model looked at, told apart: the pixels as they are stored, how they became pictures, and the pictures.

import { createHash } from 'node:crypto';
import type { DataSet } from 'dicom-parser';
import type { InputIdentity } from '../dicom-results';
import { parseFile, PIXEL_DATA } from '../imaging/dicom/data-set';
import { DICOM_LIMITS } from '../imaging/dicom/header';
import type { Pixels } from '../imaging/pixels/pixels';
import type { OpenImage } from './ports';
import type { Frame } from './series';

/** What turns stored values into pictures (PS3.3 C.11.1, C.11.2), top level or in functional groups. */
const WINDOW: Readonly<Record<string, string>> = {
  x00281050: 'center',
  x00281051: 'width',
  x00281052: 'intercept',
  x00281053: 'slope',
  x00281056: 'function',
  x00280004: 'photometric',
};
/** Sequences of lookup tables. */
const TABLES: Readonly<Record<string, string>> = { x00283000: 'modality-lut', x00283010: 'voi-lut' };
const ICON = 'x00880200';
/** Longest text that is kept as it is. */
const MAX_TEXT = 400;

const sha256 = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

function* windowOf(dataSet: DataSet): Generator<string> {
  for (const [tag, element] of Object.entries(dataSet.elements)) {
    const name = WINDOW[tag];
    const table = TABLES[tag];
    const bytes = dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
    if (name !== undefined) yield `${name}=${(dataSet.string(tag) ?? '').replaceAll('\\', ',').trim()}`;
    else if (table !== undefined) yield `${table}=${sha256(bytes)}`;
    else if (tag !== ICON) for (const item of element.items ?? []) if (item.dataSet) yield* windowOf(item.dataSet);
  }
}

const short = (text: string): string => (text.length <= MAX_TEXT ? text : `sha256:${sha256(text)}`);

/** @throws DicomError */
export function readInput(bytes: Uint8Array): Pick<OpenImage, 'pixelsSha256' | 'window'> {
  const { dataSet } = parseFile(bytes, { maxBytes: DICOM_LIMITS.maxBytes });
  const element = dataSet.elements[PIXEL_DATA];
  const pixels = element
    ? dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length)
    : new Uint8Array(0);
  return { pixelsSha256: sha256(pixels), window: [...new Set(windowOf(dataSet))].join(' ') };
}

/** Takes down what a model is given. */
export class SeenInputs {
  private readonly pictures = new Map<string, string>();

  add({ reference }: Frame, { data, width, height, channels, sampleType }: Pixels): void {
    const name = `${reference.sopInstanceUid} ${reference.frame}`;
    this.pictures.set(name, sha256(JSON.stringify([width, height, channels, sampleType]), data));
  }

  identity(images: readonly OpenImage[]): InputIdentity {
    const byUid = images.toSorted((a, b) => (a.source.sopInstanceUid < b.source.sopInstanceUid ? -1 : 1));
    const pictures = [...this.pictures].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      picturesSha256: sha256(JSON.stringify(pictures)),
      pixelsSha256: sha256(
        JSON.stringify(byUid.map(({ source, pixelsSha256 }) => [source.sopInstanceUid, pixelsSha256])),
      ),
      window: short([...new Set(byUid.map(({ window }) => window))].join('; ')),
    };
  }
}
