// Pixels of DICOM files for the screen: uncompressed ones and JPEG baseline. The server makes pictures of the others.

import { parseDicom, readEncapsulatedImageFrame, type DataSet, type Element } from 'dicom-parser';
import { FULL_RANGE, type GrayPicture, type Picture } from '../viewer/picture';
import { t } from '../texts/en';
import { decodeImage, FileError } from './browser-image';
import type { Render } from './server-picture';
import { readSamples, type SampleLayout } from './samples';
import { fullRange, windowPresets } from './window-presets';

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
/** Colours that are read as they are stored; others go through tables or another colour space. */
const PLAIN = ['MONOCHROME1', 'MONOCHROME2', 'RGB'];
const UNCOMPRESSED = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', BIG_ENDIAN];

interface DicomFrames {
  frameCount: number;
  frame: (number: number) => Promise<Picture>;
}

/**
 * @param render what is stored in another way
 * @throws FileError where the file is none, or holds no picture
 */
export function openDicom(bytes: Uint8Array<ArrayBuffer>, render: Render): DicomFrames {
  const header = parsed(bytes);
  const pixels = header.elements['x7fe00010'];
  if (!pixels) throw new FileError(t.files.noPixels);
  const syntax = header.string('x00020010') ?? '';
  const frameCount = Math.max(1, Number(header.intString('x00280008') ?? 1));
  const colours = header.string('x00280004') ?? 'MONOCHROME2';
  if (UNCOMPRESSED.includes(syntax) && PLAIN.includes(colours) && isWholeBytes(header)) {
    const layout = layoutOf(header, syntax === BIG_ENDIAN);
    const frameBytes = Math.ceil((layout.width * layout.height * layout.samples * layout.bits) / 8);
    if (pixels.length < frameBytes) throw new FileError(t.files.truncated);
    return {
      frameCount: Math.min(frameCount, Math.floor(pixels.length / frameBytes)),
      frame: (number) => {
        const from = pixels.dataOffset + (number - 1) * frameBytes;
        return Promise.resolve(pictureOf(header, bytes.subarray(from, from + frameBytes), layout));
      },
    };
  }
  if (syntax === JPEG_BASELINE) return { frameCount, frame: (number) => jpegFrame(header, pixels, number) };
  return {
    frameCount,
    frame: async (number) => ({
      ...(await render(bytes, frameCount > 1 ? number : undefined)),
      ...spacingOf(header),
    }),
  };
}

function parsed(bytes: Uint8Array): DataSet {
  try {
    return parseDicom(bytes);
  } catch {
    throw new FileError(t.files.brokenDicom);
  }
}

/** Grey of 8 or 16 bits, colours of 8. */
function isWholeBytes(header: DataSet): boolean {
  const bits = header.uint16('x00280100') ?? 16;
  return bits === 8 || (bits === 16 && (header.uint16('x00280002') ?? 1) === 1);
}

function layoutOf(header: DataSet, bigEndian: boolean): SampleLayout {
  const [height = 0, width = 0] = [header.uint16('x00280010'), header.uint16('x00280011')];
  const bits = header.uint16('x00280100') ?? 16;
  if (width === 0 || height === 0) throw new FileError(t.files.noPixels);
  return {
    width,
    height,
    bits,
    samples: header.uint16('x00280002') ?? 1,
    stored: header.uint16('x00280101') ?? bits,
    signed: header.uint16('x00280103') === 1,
    planar: header.uint16('x00280006') === 1,
    bigEndian,
  };
}

function pictureOf(header: DataSet, bytes: Uint8Array, layout: SampleLayout): Picture {
  const { width, height } = layout;
  const spacing = spacingOf(header);
  if (layout.samples === 3) {
    const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
    const size = width * height;
    for (let at = 0; at < size; at += 1)
      for (let channel = 0; channel < 3; channel += 1)
        rgba[4 * at + channel] = bytes[layout.planar ? channel * size + at : 3 * at + channel] ?? 0;
    return {
      kind: 'color',
      width,
      height,
      rgba,
      ...spacing,
      presets: [FULL_RANGE],
    };
  }
  const picture: GrayPicture = {
    kind: 'gray',
    width,
    height,
    values: readSamples(bytes, layout),
    offset: layout.signed ? 32_768 : 0,
    slope: number(header, 'x00281053') ?? 1,
    intercept: number(header, 'x00281052') ?? 0,
    unit: header.string('x00080060') === 'CT' ? 'HU' : '',
    inverted: header.string('x00280004') === 'MONOCHROME1',
    presets: [],
    ...spacing,
  };
  return { ...picture, presets: windowPresets(header, fullRange(picture)) };
}

async function jpegFrame(header: DataSet, pixels: Element, number: number): Promise<Picture> {
  // Its types name a ByteArray that they do not declare.
  const jpeg = readEncapsulatedImageFrame(header, pixels, number - 1) as Uint8Array;
  const picture = await decodeImage(Uint8Array.from(jpeg));
  return { ...picture, ...spacingOf(header) };
}

function spacingOf(header: DataSet): Pick<Picture, 'spacing'> | object {
  const tag = header.elements['x00280030'] ? 'x00280030' : 'x00181164';
  const [rowMm, columnMm] = [header.floatString(tag, 0), header.floatString(tag, 1)];
  return rowMm !== undefined && columnMm !== undefined && rowMm > 0 && columnMm > 0
    ? { spacing: { rowMm, columnMm } }
    : {};
}

function number(header: DataSet, tag: string): number | undefined {
  const value = header.floatString(tag);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
