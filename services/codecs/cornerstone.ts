// Codecs of the Cornerstone project: its CharLS takes half the time of that of dcmjs-codecs, its OpenJPEG a little less.

import { readFile } from 'node:fs/promises';
import type { Codec, MemoryLimit } from './codec';
import { PAGE_BYTES, wasm, type Imports, type Instance, type Memory, type Module } from './webassembly';

interface Decoder {
  /** Memory of the module for a stream of so many bytes. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  /** In the memory of the module. */
  getDecodedBuffer(): Uint8Array | Uint8ClampedArray;
  delete(): void;
}

const PACKAGES = {
  charls: { name: '@cornerstonejs/codec-charls', decoder: 'JpegLSDecoder' },
  openjpeg: { name: '@cornerstonejs/codec-openjpeg', decoder: 'J2KDecoder' },
} as const;
export type CornerstoneCodec = keyof typeof PACKAGES;

type Receive = (instance: Instance) => void;
interface Options {
  instantiateWasm: (imports: Imports, receive: Receive) => object;
  /** What it says. */
  print: (line: string) => void;
  printErr: (line: string) => void;
}
type Start = (options: Options) => Promise<Record<string, new () => Decoder>>;

const compiled = new Map<CornerstoneCodec, Promise<Module>>();

async function compile(name: string): Promise<Module> {
  return wasm.compile(await readFile(require.resolve(`${name}/decodewasm`)));
}

/** How OpenJPEG begins what it says where it fails, and may answer a picture nevertheless. */
const FAILED = '[ERROR]';

/** The module grows its memory by this call alone. */
function limited(memory: Memory, limit: MemoryLimit): void {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    limit.check(memory.buffer.byteLength + pages * PAGE_BYTES);
    return grow(pages);
  };
}

export async function loadCornerstone(which: CornerstoneCodec, limit: MemoryLimit): Promise<Codec> {
  const { name, decoder: kind } = PACKAGES[which];
  const compiling = compiled.get(which) ?? compile(name);
  compiled.set(which, compiling);
  const module = await compiling;
  const imported = (await import(`${name}/decodewasmjs`)) as { default: Start };
  let failed = false;
  const hear = (line: string): void => {
    failed ||= line.startsWith(FAILED);
  };
  const library = await imported.default({
    instantiateWasm: (imports, receive) => {
      const instance = new wasm.Instance(module, imports);
      for (const each of Object.values(instance.exports)) if (each instanceof wasm.Memory) limited(each, limit);
      receive(instance);
      return instance.exports;
    },
    print: hear,
    printErr: hear,
  });
  const Decoding = library[kind];
  if (!Decoding) throw new Error(`${name} has no ${kind}`);
  let decoder: Decoder | undefined;
  return {
    decode: (encoded) => {
      // Each stream its own: one that fails without saying so must not leave the picture before it.
      decoder?.delete();
      decoder = new Decoding();
      decoder.getEncodedBuffer(encoded.length).set(encoded);
      failed = false;
      decoder.decode();
      if (failed) throw new Error('damaged');
      // Some call their bytes clamped.
      const { buffer, byteOffset, byteLength } = decoder.getDecodedBuffer();
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  };
}
