// The codecs of dcmjs-codecs, called as WebAssembly without the library's own layer: it lets memory grow without limit, and copies
// what it decodes. Of the libraries tried it alone decodes JPEG of 12 bits.

import { readFile } from 'node:fs/promises';
import type { Codec, MemoryLimit, StreamKind, StreamPicture } from './codec';
import { wasm, type Imports, type Memory, type Module } from './webassembly';

type Call = (...values: number[]) => number;
type Calls = Record<string, Call>;

const DECODERS: Readonly<Record<StreamKind, string>> = {
  jpeg: 'DecodeJpeg',
  'jpeg-ls': 'DecodeJpegLs',
  'jpeg-2000': 'DecodeJpeg2000',
  htj2k: 'DecodeHtJpeg2000',
};

/** The library's numbers of photometric interpretations are their places here. */
const PHOTOMETRIC: readonly string[] = [
  'MONOCHROME1',
  'MONOCHROME2',
  'PALETTE COLOR',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'YBR_PARTIAL_422',
  'YBR_PARTIAL_420',
  'YBR_ICT',
  'YBR_RCT',
];

/** Answers of the system interface: success, and a file that is not open. */
const [SUCCESS, NOT_OPEN] = [0, 8];

const CORRUPT = 'Corrupt JPEG data: ';
const EXTRANEOUS = /^(\d+) extraneous bytes/;
/** Bytes that nothing is coded in, as some encoders leave them before a marker. */
const STRAY = 4;

/**
 * Whether JPEG was decoded that is not whole. The decoder fills what is missing with pixels of its own, and only warns: of coded
 * samples that end early, or that leave bytes over, as where a transfer failed and the rest was filled with zeros.
 */
function isCorrupt(message: string): boolean {
  const at = message.indexOf(CORRUPT);
  if (at < 0) return false;
  const stray = EXTRANEOUS.exec(message.slice(at + CORRUPT.length))?.[1];
  return stray === undefined || Number(stray) > STRAY;
}

let compiled: Promise<Module> | undefined;

async function compile(): Promise<Module> {
  return wasm.compile(await readFile(require.resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm')));
}

/** One instance of the module, which decodes one stream at a time. */
export class NativeCodecs implements Codec {
  private readonly calls: Calls;
  private readonly memory: Memory;
  /** Of the last picture, which lies in it; 0: none. */
  private context = 0;
  /** Whether the decoder warned of damage. */
  private corrupt = false;

  private constructor(
    module: Module,
    private readonly kind: StreamKind,
    private readonly limit: MemoryLimit,
  ) {
    const { exports } = new wasm.Instance(module, this.imports());
    this.calls = exports as Calls;
    this.memory = exports.memory as Memory;
  }

  static async load(kind: StreamKind, limit: MemoryLimit): Promise<NativeCodecs> {
    return new NativeCodecs(await (compiled ??= compile()), kind, limit);
  }

  decode(encoded: Uint8Array, picture: StreamPicture): Uint8Array {
    this.corrupt = false;
    if (this.context !== 0) this.call('ReleaseCodecsContext', this.context);
    const context = (this.context = this.call('CreateCodecsContext'));
    this.describe(context, picture);
    this.call('SetEncodedBufferSize', context, encoded.length);
    new Uint8Array(this.memory.buffer).set(encoded, this.call('GetEncodedBuffer', context));
    const parameters = this.call('CreateDecoderParameters');
    // Colour is turned by our own code: the codec asks neither the header nor the stream what it holds.
    this.call('SetConvertColorspaceToRgb', parameters, 0);
    this.call(DECODERS[this.kind], context, parameters);
    this.call('ReleaseDecoderParameters', parameters);
    if (this.corrupt) throw new Error('corrupt');
    const [at, length] = [this.call('GetDecodedBuffer', context), this.call('GetDecodedBufferSize', context)];
    return new Uint8Array(this.memory.buffer, at, length);
  }

  private call(name: string, ...values: number[]): number {
    const call = this.calls[name];
    if (!call) throw new Error(`the codecs have no ${name}`);
    return call(...values);
  }

  private describe(context: number, picture: StreamPicture): void {
    const { width, height, samples, bits, precision, signed, photometric } = picture;
    const told: readonly (readonly [name: string, value: number])[] = [
      ['SetColumns', width],
      ['SetRows', height],
      ['SetBitsAllocated', bits],
      ['SetBitsStored', precision],
      ['SetSamplesPerPixel', samples],
      ['SetPixelRepresentation', signed ? 1 : 0],
      ['SetPlanarConfiguration', 0],
      ['SetPhotometricInterpretation', PHOTOMETRIC.indexOf(photometric)],
    ];
    for (const [name, value] of told) this.call(name, context, value);
  }

  private imports(): Imports {
    const textAt = (at: number, length: number): string =>
      Buffer.from(this.memory.buffer, at, length).toString('latin1');
    return {
      env: {
        emscripten_notify_memory_growth: () => this.limit.check(this.memory.buffer.byteLength),
        // What libjpeg only warns of comes this way and no other.
        onCodecsInfo: (at: number, length: number) => {
          if (this.kind === 'jpeg') this.corrupt ||= isCorrupt(textAt(at, length));
        },
        onCodecsTrace: () => undefined,
        onCodecsException: (at: number, length: number) => {
          throw new Error(textAt(at, length));
        },
      },
      wasi_snapshot_preview1: {
        environ_sizes_get: (count: number, bytes: number) => this.put([count, bytes]),
        environ_get: () => SUCCESS,
        clock_time_get: (_clock: number, _precision: bigint, at: number) => this.put([at, at + 4]),
        fd_write: (_file: number, parts: number, count: number, written: number) => this.swallow(parts, count, written),
        fd_seek: () => NOT_OPEN,
        fd_close: () => SUCCESS,
        proc_exit: () => {
          throw new Error('exit');
        },
      },
    };
  }

  /** Says of what it would print, in parts of an address and a length each, that all was written. */
  private swallow(parts: number, count: number, written: number): number {
    const view = new DataView(this.memory.buffer);
    let bytes = 0;
    for (let part = 0; part < count; part += 1) bytes += view.getUint32(parts + 8 * part + 4, true);
    view.setUint32(written, bytes, true);
    return SUCCESS;
  }

  /** Zeros at addresses. */
  private put(places: readonly number[]): number {
    const view = new DataView(this.memory.buffer);
    for (const at of places) view.setUint32(at, 0, true);
    return SUCCESS;
  }
}
