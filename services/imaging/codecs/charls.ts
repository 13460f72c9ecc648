// CharLS (JPEG-LS) of the Cornerstone project, which takes half the time of that of dcmjs-codecs.

import { readFile } from 'node:fs/promises';
import type { Codec, MemoryLimit } from './codec';
import { PAGE_BYTES, wasm, type Imports, type Instance, type Memory, type Module } from './webassembly';

interface Decoder {
  /** Memory of the module for a stream of so many bytes. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8ClampedArray;
}

interface Charls {
  JpegLSDecoder: new () => Decoder;
}

type Receive = (instance: Instance) => void;
type Start = (options: { instantiateWasm: (imports: Imports, receive: Receive) => object }) => Promise<Charls>;

const PACKAGE = '@cornerstonejs/codec-charls';

let compiled: Promise<Module> | undefined;

async function compile(): Promise<Module> {
  return wasm.compile(await readFile(require.resolve(`${PACKAGE}/decodewasm`)));
}

/** The module grows its memory by this call alone. */
function limited(memory: Memory, limit: MemoryLimit): void {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    limit.check(memory.buffer.byteLength + pages * PAGE_BYTES);
    return grow(pages);
  };
}

export async function loadCharls(limit: MemoryLimit): Promise<Codec> {
  const module = await (compiled ??= compile());
  const imported = (await import(`${PACKAGE}/decodewasmjs`)) as { default: Start };
  const charls = await imported.default({
    instantiateWasm: (imports, receive) => {
      const instance = new wasm.Instance(module, imports);
      for (const each of Object.values(instance.exports)) if (each instanceof wasm.Memory) limited(each, limit);
      receive(instance);
      return instance.exports;
    },
  });
  const decoder = new charls.JpegLSDecoder();
  return {
    decode: (encoded) => {
      decoder.getEncodedBuffer(encoded.length).set(encoded);
      decoder.decode();
      // The library calls its bytes clamped.
      const { buffer, byteOffset, byteLength } = decoder.getDecodedBuffer();
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  };
}
