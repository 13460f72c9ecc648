// The samples of registered data sets, for people who want to see them.

import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { LRUCache } from 'lru-cache';
import { AutomedError, automedError } from '../../../common/errors';
import { PARTS, type Part } from '../../../datasets/files/part-names';
import { cacheFolder, isObjectLocation } from '../../../datasets/files/object-store';
import { readData, resolveSource } from '../../../datasets/layouts/read-data';
import { decodeSample } from '../../../datasets/load/load-samples';
import type { Sample } from '../../../datasets/samples/sample';
import { displayPng, isShownAsIs } from '../../../imaging/display-png';
import { encodeRle } from '../../../imaging/mask-codes';
import { referenceOf, type Dataset } from './dataset';
import type { DatasetRegistry, Page } from './registry';

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;
/** Data sets whose listing is kept: people look at one, image after image. */
const KEPT_LISTINGS = 4;
/** Files change; a listing is read again after a while, milliseconds. */
const LISTING_TTL_MS = 60_000;

export interface ListedSample {
  name: string;
  part: Part;
  group: string;
  className: string;
}

export interface ReadSample {
  sample: ListedSample;
  /** As the file has it. */
  encoded: Buffer;
  /** From 1, of a DICOM file of several. */
  frameNumber: number | undefined;
  /** Empty where browsers show the file itself. */
  displayPng: Buffer;
  masks: { structure: string; cocoRle: string; widthPx: number; heightPx: number }[];
  /** Why masks or image cannot be read; empty: they can. */
  problem: string;
}

interface Entry {
  listed: ListedSample;
  sample: Sample;
}

interface Listing {
  samples: Entry[];
  /** Images without a label, by their paths below the data. */
  unlabelled: Map<string, Entry>;
  /** By name, and by the paths of images and masks below the data. */
  byName: Map<string, number>;
  structures: string[];
}

export class DatasetSamples {
  private readonly listings = new LRUCache<string, Promise<Listing>>({ max: KEPT_LISTINGS, ttl: LISTING_TTL_MS });

  /** @param home root of the store */
  constructor(
    private readonly registry: DatasetRegistry,
    private readonly home: string,
  ) {}

  /** @throws IllegalStateError before the first check of the data set has come to an end */
  async list(
    reference: string,
    { pageSize, pageToken }: Page,
  ): Promise<{ samples: ListedSample[]; nextPageToken: string; totalCount: number }> {
    if (pageSize < 0 || pageSize > MAX_PAGE) {
      throw automedError('INVALID_ARGUMENT', `A page size of ${pageSize} is outside [0, ${MAX_PAGE}].`, {
        field: 'page_size',
      });
    }
    if (!/^\d{0,9}$/.test(pageToken)) {
      throw automedError('INVALID_ARGUMENT', 'The page token is not one of this list.', { field: 'page_token' });
    }
    const { samples } = await this.listing(reference);
    const begin = Number(pageToken);
    const end = begin + (pageSize === 0 ? DEFAULT_PAGE : pageSize);
    return {
      samples: samples.slice(begin, end).map(({ listed }) => listed),
      nextPageToken: end < samples.length ? String(end) : '',
      totalCount: samples.length,
    };
  }

  /** @param name of a sample, or the path of its image or of a mask below the data; no other file is read */
  async read(reference: string, name: string): Promise<ReadSample> {
    const { samples, byName, structures, unlabelled } = await this.listing(reference);
    const found = samples[byName.get(name) ?? -1] ?? unlabelled.get(name);
    if (!found) {
      throw automedError('NOT_FOUND', `The data set has no sample ${JSON.stringify(name.slice(0, 200))}.`, {
        field: 'name',
      });
    }
    const { listed, sample } = found;
    const encoded = await readFile(sample.imagePath).catch((cause: unknown) => {
      throw automedError('NOT_FOUND', `The image of ${sample.name} cannot be read.`, { field: 'name', cause });
    });
    const frameNumber = sample.frame === undefined ? undefined : sample.frame + 1;
    const problems: string[] = [];
    const masks = await masksOf(sample, structures).catch((error: unknown) => tell(error, problems, []));
    const display = isShownAsIs(encoded)
      ? Buffer.alloc(0)
      : await displayPng(encoded, frameNumber).catch((error: unknown) => tell(error, problems, Buffer.alloc(0)));
    return { sample: listed, encoded, frameNumber, displayPng: display, masks, problem: problems[0] ?? '' };
  }

  private listing(reference: string): Promise<Listing> {
    const dataset = this.registry.get(reference);
    if (!dataset.report) {
      throw automedError('ILLEGAL_STATE', `The data set ${referenceOf(dataset)} was not checked yet; check it first.`, {
        field: 'dataset',
      });
    }
    const key = `${dataset.number} ${dataset.checkTime}`;
    const known = this.listings.get(key);
    if (known) return known;
    const listing = this.readListing(dataset);
    this.listings.set(key, listing);
    listing.catch(() => this.listings.delete(key));
    return listing;
  }

  private async readListing({ name, version, source, report }: Dataset): Promise<Listing> {
    const { location, ...rest } = source;
    const root = isObjectLocation(location) ? cacheFolder(this.home, name, version) : location;
    const resolved = await resolveSource({ ...rest, data: root, layout: report?.layout ?? rest.layout });
    const folder = await readData(resolved);
    const samples = PARTS.flatMap((part) =>
      folder.parts[part].map((sample) => ({ sample, listed: listedOf(sample, part, folder.classes) })),
    );
    const byName = new Map<string, number>();
    const base = /\.csv$/i.test(root) ? dirname(root) : root;
    samples.forEach(({ sample }, index) => {
      const paths = [sample.imagePath, ...(sample.masks ?? []).flatMap((mask) => mask.paths)];
      const names = [sample.name, ...paths.map((path) => relative(base, path).replaceAll('\\', '/'))];
      for (const each of names) if (!byName.has(each)) byName.set(each, index);
    });
    const unlabelled = new Map(folder.unlabelled.map((each): [string, Entry] => [each.name, waiting(each)]));
    return {
      samples,
      byName,
      unlabelled,
      structures: resolved.structures?.map((structure) => structure.name) ?? ['foreground'],
    };
  }
}

const waiting = (sample: Sample): Entry => ({
  sample,
  listed: { name: sample.name, part: 'train', group: '', className: '' },
});

/** Keeps what a person can be told; other failures are failures. */
function tell<T>(error: unknown, problems: string[], instead: T): T {
  if (!(error instanceof AutomedError)) throw error;
  problems.push(error.message);
  return instead;
}

const listedOf = ({ name, group, label }: Sample, part: Part, classes: readonly string[]): ListedSample => ({
  name,
  part,
  group: group ?? '',
  className: label === undefined ? '' : (classes[label] ?? ''),
});

async function masksOf(sample: Sample, structures: readonly string[]): Promise<ReadSample['masks']> {
  if (!sample.masks) return [];
  const { pixels, masks } = await decodeSample(sample);
  const { width: widthPx, height: heightPx } = pixels;
  const size = widthPx * heightPx;
  return sample.masks.map((_, at) => ({
    structure: structures[at] ?? `structure ${at + 1}`,
    cocoRle: encodeRle(masks?.subarray(at * size, (at + 1) * size) ?? new Uint8Array(size), widthPx, heightPx),
    widthPx,
    heightPx,
  }));
}
