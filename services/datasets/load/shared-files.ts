// Files that hold what several samples need, as a DICOM file of many frames or a segmentation of a whole series does: read
// once in a pass over the samples, and shared with the threads that decode them.

import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { isBmp } from '../../imaging/bmp';
import { DicomSegmentation, isDicom, type Segment } from '../../imaging/dicom';

/** What may be kept at a time, bytes; the newest file is, whatever its size. */
const MOST_BYTES = 256 * 1024 * 1024;

const isDicomFile = (bytes: Buffer): boolean => !isBmp(bytes) && isDicom(bytes);
export const isSegmentation = (bytes: Buffer): boolean => isDicomFile(bytes) && DicomSegmentation.is(bytes);

export class SharedFile {
  private readonly hash: Hash;
  private segmentation: boolean | undefined;
  private listed: readonly Segment[] | undefined;

  /** @param bytes of DICOM files in shared memory, so that nobody can give them away */
  constructor(readonly bytes: Buffer) {
    this.hash = createHash('sha256').update(bytes);
  }

  /** sha256 of the bytes so far, to be continued. */
  hashed(): Hash {
    return this.hash.copy();
  }

  get isSegmentation(): boolean {
    return (this.segmentation ??= isSegmentation(this.bytes));
  }

  /** Of a segmentation. */
  get segments(): readonly Segment[] {
    return (this.listed ??= DicomSegmentation.segmentsOf(this.bytes));
  }
}

async function readShared(path: string): Promise<SharedFile> {
  const bytes = await readFile(path);
  if (!isDicomFile(bytes)) return new SharedFile(bytes);
  const shared = Buffer.from(new SharedArrayBuffer(bytes.length));
  bytes.copy(shared);
  return new SharedFile(shared);
}

/** The files of one pass over samples. Samples of one file should follow each other: those used last are kept. */
export class SharedFiles {
  private readonly kept: LRUCache<string, SharedFile>;
  private readonly reading = new Map<string, Promise<SharedFile>>();
  private count = 0;

  constructor(mostBytes = MOST_BYTES) {
    // A file that is larger than all room takes all of it, and goes when the next one comes.
    const sizeCalculation = ({ bytes }: SharedFile): number => Math.min(Math.max(1, bytes.length), mostBytes);
    this.kept = new LRUCache({ maxSize: mostBytes, sizeCalculation });
  }

  /** Files that were read, those read again included. */
  get reads(): number {
    return this.count;
  }

  /** @throws errors of the file system as they are */
  async read(path: string): Promise<SharedFile> {
    return this.kept.get(path) ?? this.reading.get(path) ?? this.begin(path);
  }

  private begin(path: string): Promise<SharedFile> {
    this.count += 1;
    const reading = readShared(path)
      .then((file) => {
        this.kept.set(path, file);
        return file;
      })
      .finally(() => this.reading.delete(path));
    this.reading.set(path, reading);
    return reading;
  }
}
