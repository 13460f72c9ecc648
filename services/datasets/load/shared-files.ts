// Files that hold what several samples need, as a DICOM file of many frames or a segmentation of a whole series does: read
// once in a pass over the samples, and shared with the threads that decode them.

import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isBmp } from '../../imaging/bmp';
import { DicomSegmentation, isDicom } from '../../imaging/dicom';

/** What may be kept at a time, bytes; the newest file is, whatever its size. */
const MOST_BYTES = 256 * 1024 * 1024;

const isDicomFile = (bytes: Buffer): boolean => !isBmp(bytes) && isDicom(bytes);
export const isSegmentation = (bytes: Buffer): boolean => isDicomFile(bytes) && DicomSegmentation.is(bytes);

export class SharedFile {
  private readonly hash: Hash;
  private segmentation: boolean | undefined;
  private numbers: readonly number[] | undefined;

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

  /** Numbers of the segments of a segmentation. */
  get segments(): readonly number[] {
    return (this.numbers ??= DicomSegmentation.segmentsOf(this.bytes));
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
  private readonly kept = new Map<string, Promise<SharedFile>>();
  private readonly sizes = new Map<string, number>();
  private count = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  /** Files that were read, those read again included. */
  get reads(): number {
    return this.count;
  }

  /** @throws errors of the file system as they are */
  async read(path: string): Promise<SharedFile> {
    const known = this.kept.get(path);
    this.kept.delete(path);
    const reading = known ?? this.begin(path);
    this.kept.set(path, reading);
    return reading;
  }

  private begin(path: string): Promise<SharedFile> {
    this.count += 1;
    return readShared(path).then(
      (file) => {
        this.sizes.set(path, file.bytes.length);
        this.evict();
        return file;
      },
      (error: unknown) => {
        this.kept.delete(path);
        throw error;
      },
    );
  }

  private evict(): void {
    let total = [...this.sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const path of [...this.kept.keys()].slice(0, -1)) {
      if (total <= this.mostBytes) return;
      const size = this.sizes.get(path);
      // One that is still being read counts once it is there.
      if (size === undefined) continue;
      this.kept.delete(path);
      this.sizes.delete(path);
      total -= size;
    }
  }
}
