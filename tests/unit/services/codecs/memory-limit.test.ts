// Streams that are small and would have their decoder fill gigabytes: refused, and that before the memory is touched.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MemoryLimit } from '../../../../services/codecs/codec';
import { temporaryFolder } from '../../../support/data';
import { dicomFile, greyElements } from '../../../support/dicom';

const root = join(__dirname, '../../../..');
const folder = temporaryFolder();
const MIB = 1024 * 1024;

const [JPEG, JPEG_LS, JPEG_2000, HTJ2K] = ['50', '80', '90', '201'].map((last) => `1.2.840.10008.1.2.4.${last}`);

interface Size {
  width: number;
  height: number;
}

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);

interface Parts extends Size {
  /** Side of a tile; default: that of the picture. */
  tile?: number;
  /** Exponent of the sides of a precinct; default: the largest. */
  precinct?: number;
}

/** JPEG 2000 of 8 bits whose only tile-part holds nothing (ISO/IEC 15444-1 annex A). */
function jpeg2000({ width, height, tile, precinct }: Parts): Buffer {
  const tiles = [u32(tile ?? width), u32(tile ?? height)];
  const size = [u16(41), u16(0), u32(width), u32(height), u32(0), u32(0), ...tiles, u32(0), u32(0), u16(1)];
  const levels = 5;
  const precincts = precinct === undefined ? [] : Array.from({ length: levels + 1 }, () => precinct * 17);
  const style = [precinct === undefined ? 0 : 1, 0, 0, 1, 0, levels, 4, 4, 0, 1, ...precincts];
  const steps = Array.from({ length: 3 * levels + 1 }, () => 0x40);
  return Buffer.concat([
    Buffer.of(0xff, 0x4f, 0xff, 0x51),
    ...size,
    Buffer.of(7, 1, 1, 0xff, 0x52),
    u16(2 + style.length),
    Buffer.from(style),
    Buffer.of(0xff, 0x5c),
    u16(3 + steps.length),
    Buffer.of(0x40, ...steps),
    Buffer.of(0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 14, 0, 1, 0xff, 0x93, 0xff, 0xd9),
  ]);
}

/** A frame header, a scan header and no samples. */
function empty(startOfFrame: number, { width, height }: Size, scan: readonly number[]): Buffer {
  const frame = [...u16(11), 8, ...u16(height), ...u16(width), 1, 1, 0x11, 0];
  return Buffer.from([0xff, 0xd8, 0xff, startOfFrame, ...frame, 0xff, 0xda, 0, 8, 1, 1, 0, ...scan, 0xff, 0xd9]);
}

interface Told {
  defect: string;
  message: string;
  peakMb: number;
}

/** What a process of its own says of a file, and the most memory that it ever had. */
async function decoded(name: string, syntax: string | undefined, size: Size, stream: Buffer): Promise<Told> {
  const path = join(folder, `${name}.dcm`);
  writeFileSync(path, dicomFile(greyElements({ ...size, bits: 8 }), syntax, [stream]));
  const code = `
    const { DecodePool } = require(${JSON.stringify(join(root, 'services/imaging/dicom/index.ts'))});
    const { readFileSync } = require('node:fs');
    const bytes = readFileSync(${JSON.stringify(path)});
    // The peak of getrusage begins with that of the process which started this one.
    const peakMb = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
    const say = ({ defect = 'none', message = '' }) => console.log(JSON.stringify({ defect, message, peakMb: peakMb() }));
    new DecodePool({ threads: 1 }).picture(bytes).then(say, say);`;
  const register = join(root, 'tests/support/stack-register.cjs');
  const { stdout } = await promisify(execFile)(process.execPath, ['-r', register, '-e', code]);
  return JSON.parse(stdout) as Told;
}

/** Far more than a process that decodes one small picture takes. */
const MOST_MB = 500;

describe('JPEG 2000 of a small picture', () => {
  it.each([
    ['65,535 tiles', { width: 255, height: 257, tile: 1 }],
    ['precincts of 2 x 2', { width: 1200, height: 1200, precinct: 1 }],
  ])('is refused with %s', async (_, parts) => {
    const told = await decoded('j2k', JPEG_2000, parts, jpeg2000(parts));
    expect(told).toMatchObject({ defect: 'PIXEL_DECODE', message: expect.stringContaining('memory') as string });
    expect(told.peakMb).toBeLessThan(MOST_MB);
  });
});

describe('a giant picture in a small file', () => {
  const giant = { width: 65_535, height: 65_535 };
  const large = { width: 8000, height: 8000 };

  it('is refused by its header, whatever the stream says', async () => {
    const told = await decoded('giant', JPEG_2000, giant, jpeg2000(giant));
    expect(told).toMatchObject({ defect: 'TOO_LARGE' });
    expect(told.peakMb).toBeLessThan(MOST_MB);
  });

  it.each([
    ['JPEG', JPEG, empty(0xc0, giant, [0, 63, 0])],
    ['JPEG-LS', JPEG_LS, empty(0xf7, giant, [0, 0, 0])],
    ['JPEG 2000', JPEG_2000, jpeg2000(giant)],
    ['HTJ2K', HTJ2K, jpeg2000(giant)],
  ])('is refused where only its %s stream is giant', async (name, syntax, stream) => {
    const told = await decoded(name, syntax, { width: 16, height: 16 }, stream);
    expect(told).toMatchObject({ defect: 'PIXEL_DECODE', message: expect.stringContaining('contradict') as string });
    expect(told.peakMb).toBeLessThan(MOST_MB);
  });

  it.each([
    ['JPEG', JPEG, empty(0xc0, large, [0, 63, 0])],
    ['JPEG-LS', JPEG_LS, empty(0xf7, large, [0, 0, 0])],
    ['HTJ2K', HTJ2K, jpeg2000(large)],
  ])('is refused as damaged where header and %s stream agree, and nothing is coded', async (name, syntax, stream) => {
    const told = await decoded(name, syntax, large, stream);
    expect(told).toMatchObject({ defect: 'PIXEL_DECODE' });
    expect(told.peakMb).toBeLessThan(MOST_MB);
  });
});

test('the limit goes by the picture, and holds for each anew', () => {
  const limit = new MemoryLimit();
  const picture = { samples: 1, bits: 8, precision: 8, signed: false, photometric: 'MONOCHROME2' } as const;
  limit.expect({ ...picture, width: 8000, height: 8000 }, 1000);
  limit.check(1024 * MIB);
  expect(() => limit.check(2048 * MIB)).toThrow('memory limit');
  expect(limit.exceeded).toBe(true);
  limit.expect({ ...picture, width: 8, height: 8 }, 1000);
  expect(limit.exceeded).toBe(false);
  limit.check(300 * MIB);
  expect(() => limit.check(400 * MIB)).toThrow('memory limit');
});
