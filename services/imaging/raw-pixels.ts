import type { RawPixels__Output } from '../../proto/gen/automed/common/v1/RawPixels';
import type { DecodeLimits, UndecodedImage } from './decode';
import type { Pixels, SampleType } from './pixels/pixels';
import { automedError, type AutomedError } from '../common/errors';
import { pixelPool } from './pixel-pool';

const CHANNELS: Readonly<Record<string, Pixels['channels']>> = {
  PIXEL_FORMAT_GRAY: 1,
  PIXEL_FORMAT_GRAY_ALPHA: 2,
  PIXEL_FORMAT_RGB: 3,
  PIXEL_FORMAT_RGBA: 4,
  PIXEL_FORMAT_BGR: 3,
};

const SAMPLES: Readonly<Record<string, { type: SampleType; bytes: number }>> = {
  SAMPLE_TYPE_UINT8: { type: 'uint8', bytes: 1 },
  SAMPLE_TYPE_UINT16: { type: 'uint16', bytes: 2 },
  SAMPLE_TYPE_FLOAT32: { type: 'float32', bytes: 4 },
};

/**
 * Checks raw pixels against their declaration; decode() lays them out as the engine takes them.
 * @throws InvalidInputError that names the field
 */
export function inspectRawPixels(raw: RawPixels__Output, limits: DecodeLimits): UndecodedImage {
  const { widthPx: width, heightPx: height } = raw;
  const channels = CHANNELS[raw.pixelFormat];
  const sample = SAMPLES[raw.sampleType];
  if (!channels) throw invalid('pixel_format', 'The pixel format of raw pixels must be declared.');
  if (!sample) throw invalid('sample_type', 'The sample type of raw pixels must be declared.');
  if (width < 1 || width > 65_536) throw invalid('width_px', `A width of ${width} is outside [1, 65536].`);
  if (height < 1 || height > 65_536) throw invalid('height_px', `A height of ${height} is outside [1, 65536].`);
  if (width * height > limits.maxPixels) {
    throw invalid('width_px', `The image is ${width} x ${height}; at most ${limits.maxPixels} pixels are accepted.`);
  }
  const planar = raw.layout === 'PIXEL_LAYOUT_PLANAR';
  if (!planar && !['PIXEL_LAYOUT_UNSPECIFIED', 'PIXEL_LAYOUT_INTERLEAVED'].includes(raw.layout)) {
    throw invalid('layout', `The layout ${raw.layout} is not known.`);
  }
  const expected = width * height * channels * sample.bytes;
  if (raw.data.length !== expected) {
    throw automedError(
      'SHAPE_MISMATCH',
      `${width} x ${height} pixels of ${channels} channel(s) and ${sample.bytes} byte(s) take ${expected} bytes; data has ${raw.data.length}.`,
      { field: 'image.raw.data' },
    );
  }
  const order = raw.pixelFormat === 'PIXEL_FORMAT_BGR' ? [2, 1, 0] : undefined;
  const moved = (planar && channels > 1) || order !== undefined;
  const copied = moved || raw.data.byteOffset % sample.bytes !== 0;
  return {
    width,
    height,
    // What is moved goes to another thread as a copy, and comes back as another.
    decodeBytes: moved ? 2 * expected : copied ? expected : 0,
    decode: async () => {
      const samples = { pixelCount: width * height, channels, sampleBytes: sample.bytes, planar, order };
      const data = moved ? await pixelPool.rearrange(raw.data, samples) : aligned(raw.data, sample.bytes);
      return { data, width, height, channels, sampleType: sample.type };
    },
  };
}

/** The data of a message is a view somewhere into what arrived; native code reads whole samples at aligned addresses. */
function aligned(data: Uint8Array, sampleBytes: number): Uint8Array {
  return data.byteOffset % sampleBytes === 0 ? data : new Uint8Array(data);
}

function invalid(field: string, message: string): AutomedError {
  return automedError('INVALID_ARGUMENT', message, { field: `image.raw.${field}` });
}
