// By what a result that was sent can be computed again: read from the object itself.

import type { DataSet } from 'dicom-parser';
import { parseFile } from '../../imaging/dicom/data-set';
import { text } from '../../imaging/dicom/header';
import { ResultError } from '../errors';
import type { InputIdentity, ModelIdentity } from '../types';
import { ALGORITHM_NAME, ALGORITHM_PARAMETER, ALGORITHM_VERSION } from './concepts';

export interface ReplayIdentity extends Omit<ModelIdentity, 'terms'> {
  inputs?: InputIdentity;
  /** Whether it is a report, which holds numbers instead of masks. */
  isReport: boolean;
  /** SOP Instance UIDs of the images that were looked at. */
  images: readonly string[];
}

const itemsOf = (dataSet: DataSet | undefined, tag: string): DataSet[] =>
  (dataSet?.elements[tag]?.items ?? []).flatMap((item) => item.dataSet ?? []);

/** All content items of a report, in their order. */
const contentOf = (dataSet: DataSet): DataSet[] =>
  itemsOf(dataSet, 'x0040a730').flatMap((item) => [item, ...contentOf(item)]);

/** Texts of a concept, each once. */
function textsOf(content: readonly DataSet[], concept: { value: string; scheme: string }): string[] {
  const texts = content.flatMap((item) => {
    const [name] = itemsOf(item, 'x0040a043');
    const same = name && text(name, 'x00080100') === concept.value && text(name, 'x00080102') === concept.scheme;
    return same ? (text(item, 'x0040a160') ?? []) : [];
  });
  return [...new Set(texts)];
}

interface Algorithm {
  name: string | undefined;
  version: string | undefined;
  parameters: readonly string[];
}

function algorithmOf(dataSet: DataSet): Algorithm {
  const [segment] = itemsOf(dataSet, 'x00620002').flatMap((item) => itemsOf(item, 'x00620007'));
  if (segment) {
    const parameters = (text(segment, 'x00660032') ?? '').split('\n');
    return { name: text(segment, 'x00660036'), version: text(segment, 'x00660031'), parameters };
  }
  const content = contentOf(dataSet);
  const [name] = textsOf(content, ALGORITHM_NAME);
  const [version] = textsOf(content, ALGORITHM_VERSION);
  return { name, version, parameters: textsOf(content, ALGORITHM_PARAMETER) };
}

/** Images of the source, by the evidence of a report or the references of a segmentation. */
function imagesOf(dataSet: DataSet): string[] {
  const evidence = itemsOf(dataSet, 'x0040a375').flatMap((study) => itemsOf(study, 'x00081115'));
  const [source] = [...itemsOf(dataSet, 'x00081115'), ...evidence];
  return [...itemsOf(source, 'x0008114a'), ...itemsOf(source, 'x00081199')].flatMap(
    (item) => text(item, 'x00081155') ?? [],
  );
}

/**
 * Reads a report, segmentation or label map of this program.
 * @throws ResultError (CONTENT) for an object without what replaying needs; DicomError for what is no DICOM
 */
export function readIdentity(bytes: Uint8Array): ReplayIdentity {
  const { dataSet } = parseFile(bytes, { maxBytes: bytes.length, headerOnly: true });
  const { name, version, parameters } = algorithmOf(dataSet);
  const values = new Map(
    parameters.map((parameter) => {
      const at = parameter.indexOf('=');
      return [parameter.slice(0, at), parameter.slice(at + 1)] as const;
    }),
  );
  const needed = (key: string): string => {
    const value = values.get(key);
    if (value === undefined)
      throw new ResultError('CONTENT', `The object does not say its ${key}: it cannot be replayed.`);
    return value;
  };
  if (name === undefined || !/^[1-9]\d*$/.test(version ?? '')) {
    throw new ResultError('CONTENT', 'The object does not say which model made it.');
  }
  const [picturesSha256, pixelsSha256, window] = ['inputs_sha256', 'pixels_sha256', 'window'].map((key) =>
    values.get(key),
  );
  const optional = {
    base: values.get('base_sha256'),
    threshold: values.get('threshold'),
  };
  return {
    name,
    version: Number(version),
    weightsSha256: needed('weights_sha256'),
    precision: needed('precision'),
    build: needed('build'),
    preprocessing: needed('preprocessing'),
    ...(optional.base === undefined ? {} : { baseSha256: optional.base }),
    ...(optional.threshold === undefined ? {} : { threshold: Number(optional.threshold) }),
    ...(picturesSha256 === undefined || pixelsSha256 === undefined || window === undefined
      ? {}
      : { inputs: { picturesSha256, pixelsSha256, window } }),
    isReport: itemsOf(dataSet, 'x00620002').length === 0,
    images: imagesOf(dataSet),
  };
}

/** A measured value of a report. */
export interface ReportNumber {
  /** Meaning of its concept; of a class also that of the class. */
  concept: string;
  value: number;
}

/** All measured values of a report, in their order. @throws DicomError for what is no DICOM */
export function readNumbers(bytes: Uint8Array): ReportNumber[] {
  const { dataSet } = parseFile(bytes, { maxBytes: bytes.length, headerOnly: true });
  return contentOf(dataSet).flatMap((item): ReportNumber[] => {
    const [measured] = itemsOf(item, 'x0040a300');
    const [name] = itemsOf(item, 'x0040a043');
    if (!measured || !name) return [];
    const of = itemsOf(item, 'x0040a730').flatMap((modifier) => itemsOf(modifier, 'x0040a168'));
    const meanings = [name, ...of].flatMap((code) => text(code, 'x00080104') ?? []);
    return [{ concept: meanings.join(', '), value: Number(text(measured, 'x0040a30a')) }];
  });
}
