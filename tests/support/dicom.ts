// Writes small DICOM files, byte by byte, so that a test decides what is in them.

/** Values of one element: text, numbers of its VR, bytes, or the items of a sequence. */
export type DicomValue = string | readonly number[] | Buffer | readonly DicomElements[];
/** Elements by tag (eight hexadecimal digits), each with its VR. */
export type DicomElements = Readonly<Record<string, readonly [vr: string, value: DicomValue]>>;

export const IMPLICIT = '1.2.840.10008.1.2';
export const EXPLICIT = '1.2.840.10008.1.2.1';
export const BIG_ENDIAN = '1.2.840.10008.1.2.2';

const LONG = new Set(['OB', 'OD', 'OW', 'OF', 'OV', 'SQ', 'SV', 'UN', 'UT', 'UV']);

interface Encoding {
  explicit: boolean;
  big: boolean;
}

function u16(value: number, big: boolean): Buffer {
  const bytes = Buffer.alloc(2);
  if (big) bytes.writeUInt16BE(value & 0xffff);
  else bytes.writeUInt16LE(value & 0xffff);
  return bytes;
}

function u32(value: number, big: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  if (big) bytes.writeUInt32BE(value >>> 0);
  else bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function tagBytes(tag: string, big: boolean): Buffer {
  return Buffer.concat([u16(parseInt(tag.slice(0, 4), 16), big), u16(parseInt(tag.slice(4), 16), big)]);
}

function valueBytes(vr: string, value: DicomValue, encoding: Encoding): Buffer {
  if (Buffer.isBuffer(value)) return value.length % 2 ? Buffer.concat([value, Buffer.alloc(1)]) : value;
  if (typeof value === 'string') {
    const text = Buffer.from(value, 'latin1');
    return text.length % 2 ? Buffer.concat([text, Buffer.from(vr === 'UI' ? '\0' : ' ')]) : text;
  }
  const { big } = encoding;
  return Buffer.concat(
    value.map((one) => {
      if (typeof one === 'number') return vr === 'UL' || vr === 'SL' ? u32(one, big) : u16(one, big);
      const item = dataSetBytes(one, encoding);
      return Buffer.concat([tagBytes('fffee000', big), u32(item.length, big), item]);
    }),
  );
}

function dataSetBytes(elements: DicomElements, encoding: Encoding): Buffer {
  const { explicit, big } = encoding;
  const parts = Object.entries(elements)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([tag, [vr, value]]) => {
      const bytes = valueBytes(vr, value, encoding);
      if (!explicit) return [tagBytes(tag, big), u32(bytes.length, big), bytes];
      const length = LONG.has(vr) ? Buffer.concat([Buffer.alloc(2), u32(bytes.length, big)]) : u16(bytes.length, big);
      return [tagBytes(tag, big), Buffer.from(vr), length, bytes];
    });
  return Buffer.concat(parts);
}

/** Compressed frames as fragments; the table of their offsets is empty unless given. */
export function encapsulated(frames: readonly Buffer[], offsets: Buffer = Buffer.alloc(0)): Buffer {
  const items = [offsets, ...frames].map((bytes) =>
    Buffer.concat([tagBytes('fffee000', false), u32(bytes.length, false), bytes]),
  );
  return Buffer.concat([...items, tagBytes('fffee0dd', false), u32(0, false)]);
}

export const RLE = '1.2.840.10008.1.2.5';

/** A frame of 8-bit grey values in RLE Lossless (PS3.5 G), as literal runs. */
export function rleFrame(values: readonly number[]): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(header.length, 4);
  const runs: Buffer[] = [];
  for (let at = 0; at < values.length; at += 128) {
    const run = values.slice(at, at + 128);
    runs.push(Buffer.from([run.length - 1, ...run]));
  }
  const bytes = Buffer.concat([header, ...runs]);
  return bytes.length % 2 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes;
}

/** A Part 10 file; `frames` are compressed ones, in place of 7fe00010 among the elements. */
export function dicomFile(
  elements: DicomElements,
  syntax = EXPLICIT,
  frames?: readonly Buffer[],
  offsets?: Buffer,
): Buffer {
  const meta = dataSetBytes({ '00020010': ['UI', syntax] }, { explicit: true, big: false });
  const big = syntax === BIG_ENDIAN;
  const body = dataSetBytes(elements, { explicit: syntax !== IMPLICIT, big });
  const pixels = frames
    ? [tagBytes('7fe00010', false), Buffer.from('OB\0\0'), u32(0xffffffff, false), encapsulated(frames, offsets)]
    : [];
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), meta, body, ...pixels]);
}

export interface GreyImage {
  width: number;
  height: number;
  /** Stored values, frame by frame. */
  values: readonly number[];
  /** 16 unless given. */
  bits?: 8 | 16;
  frames?: number;
  syntax?: string;
  /** Elements besides, or instead. */
  more?: DicomElements;
}

/** Elements of a grey image without pixels. */
export function greyElements({ width, height, bits = 16, frames = 1 }: Omit<GreyImage, 'values'>): DicomElements {
  return {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
    '00080018': ['UI', '1.2.3.4'],
    '00080060': ['CS', 'OT'],
    '00280002': ['US', [1]],
    '00280004': ['CS', 'MONOCHROME2'],
    ...(frames === 1 ? {} : { '00280008': ['IS', String(frames)] as const }),
    '00280010': ['US', [height]],
    '00280011': ['US', [width]],
    '00280100': ['US', [bits]],
    '00280101': ['US', [bits]],
    '00280102': ['US', [bits - 1]],
    '00280103': ['US', [0]],
  };
}

/** A grey image whose pixels are not compressed. */
export function greyDicom({ values, syntax = EXPLICIT, more = {}, ...image }: GreyImage): Buffer {
  const pixels: DicomElements = {
    '7fe00010': image.bits === 8 ? ['OB', Buffer.from(values)] : ['OW', values],
  };
  return dicomFile({ ...greyElements(image), ...pixels, ...more }, syntax);
}

export interface SegmentationImage {
  width: number;
  height: number;
  /** SOP Instance UIDs of all images that were looked at. */
  looked: readonly string[];
  /** What was drawn on which image, and on which of its frames (from 1). */
  frames: readonly DrawnFrame[];
  /** Elements besides, or instead. */
  more?: DicomElements;
}

export interface DrawnFrame {
  of: string;
  frame?: number;
  foreground: readonly number[];
  /** Spatial Locations Preserved. */
  locations?: string;
  /** Functional groups besides. */
  groups?: DicomElements;
}

/** Functional groups that say where a frame lies: centre of its first pixel, directions, spacing of rows and columns, in mm. */
export function planeGroups(position: string, orientation: string, spacing: string): DicomElements {
  return {
    '00209113': ['SQ', [{ '00200032': ['DS', position] }]],
    '00209116': ['SQ', [{ '00200037': ['DS', orientation] }]],
    '00289110': ['SQ', [{ '00280030': ['DS', spacing] }]],
  };
}

/** A binary DICOM segmentation of one segment. */
export function segmentationDicom({ width, height, looked, frames, more = {} }: SegmentationImage): Buffer {
  const size = width * height;
  const bits = Buffer.alloc(Math.ceil((size * frames.length) / 8));
  frames.forEach(({ foreground }, frame) => {
    for (const pixel of foreground) {
      const at = frame * size + pixel;
      bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
    }
  });
  const source = (of: string, frame?: number, locations?: string): DicomElements => ({
    '00081155': ['UI', of],
    ...(locations === undefined ? {} : { '0028135a': ['CS', locations] as const }),
    ...(frame === undefined ? {} : { '00081160': ['IS', String(frame)] as const }),
  });
  const series: DicomElements = { '0008114a': ['SQ', looked.map((uid) => source(uid))] };
  const groupsOf = frames.map(({ of, frame, locations, groups }): DicomElements => ({
    '00089124': ['SQ', [{ '00082112': ['SQ', [source(of, frame, locations)]] }]],
    ...groups,
  }));
  return dicomFile({
    ...greyElements({ width, height }),
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.66.4'],
    '00080060': ['CS', 'SEG'],
    '00081115': ['SQ', [series]],
    '00280008': ['IS', String(frames.length)],
    '00280100': ['US', [1]],
    '00280101': ['US', [1]],
    '00280102': ['US', [0]],
    '00620001': ['CS', 'BINARY'],
    '52009230': ['SQ', groupsOf],
    '7fe00010': ['OB', bits],
    ...more,
  });
}
