// Images in files: headers at once, pixels on the threads of services/imaging when they are asked for.

import { open } from 'node:fs/promises';
import type { Pixels } from '../imaging/pixels/pixels';
import { DecodePool } from '../imaging/dicom';
import { readSource } from '../dicom-results';
import { readInput } from './inputs';
import type { Images, OpenImage } from './ports';

/** Reads images; pictures of one object are decoded from one copy of its bytes. */
export class FileImages implements Images {
  private readonly pool: DecodePool;

  /** @param pathOf path of a file by the name that it is opened with */
  constructor(
    private readonly pathOf: (file: string) => string,
    threads: number,
  ) {
    this.pool = new DecodePool({ threads });
  }

  async open(file: string): Promise<OpenImage> {
    const path = this.pathOf(file);
    const bytes = await bytesOf(path);
    const source = readSource(bytes);
    const frames = source.planes.length;
    let shared: Promise<Uint8Array> | undefined;
    const picture = async (frame: number): Promise<Pixels> => {
      if (frames === 1) return this.pool.picture(path, 0);
      shared ??= bytesOf(path, true);
      return this.pool.picture(await shared, frame - 1);
    };
    return { source, ...readInput(bytes), picture };
  }
}

/** @param isShared the bytes lie in memory that threads share, where a file of many frames is parsed once */
async function bytesOf(path: string, isShared = false): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(isShared ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
