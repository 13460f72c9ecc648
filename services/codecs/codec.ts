// What the codecs of compressed frames have in common: the picture that they are told to expect, and the memory that it gets.

export type StreamKind = 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k';

/** What a stream says of its picture, which was compared with what the file says. */
export interface StreamPicture {
  width: number;
  height: number;
  samples: 1 | 3;
  /** Bits that a decoded sample takes. */
  bits: 8 | 16 | 32;
  /** Of those the ones that count. */
  precision: number;
  signed: boolean;
  /** As the file says it, such as MONOCHROME2. */
  photometric: string;
}

export interface Codec {
  /**
   * @returns little-endian samples in the codec's own memory, until it decodes again
   * @throws whatever a damaged stream makes it throw; it must not be used afterwards
   */
  decode(encoded: Uint8Array, picture: StreamPicture): Uint8Array;
}

/** What modules of WebAssembly have from the beginning, or grow by at once, whatever they decode. */
const BASE_BYTES = 352 * 1024 * 1024;
/** Bytes for each sample: twice what JPEG 2000, which takes most, computes with (measured), as memory is not given back. */
const SAMPLE_BYTES = 16;

/**
 * Limits the memory of a module to what its picture may need. Heap limits of threads do not cover it, and a small stream may tell a
 * decoder to allocate gigabytes: of 65,535 tiles, or as many layers.
 */
export class MemoryLimit {
  private most = BASE_BYTES;
  /** Whether it was exceeded since `expect`. A decoder may take what is thrown for an error of its own. */
  exceeded = false;

  /** @param encodedBytes of the stream, which is copied into the memory */
  expect({ width, height, samples }: StreamPicture, encodedBytes: number): void {
    this.most = BASE_BYTES + width * height * samples * SAMPLE_BYTES + 2 * encodedBytes;
    this.exceeded = false;
  }

  /** @throws Error where a memory of so many bytes is too large; what it grew by has not been touched yet */
  check(bytes: number): void {
    if (bytes <= this.most) return;
    this.exceeded = true;
    throw new Error('memory limit');
  }
}
