import { decodeDataFile } from '../../../../../services/datasets/files/data-file';
import { tiff } from '../../../../support/images';

const floats = (...values: number[]): Buffer =>
  tiff({ width: 2, height: 2, bits: 32, sampleFormat: 3, data: Buffer.from(Float32Array.from(values).buffer) });

test('a value that is not finite is named with its place, as training would refuse it without', async () => {
  await expect(decodeDataFile(floats(0, 1, NaN, 3))).rejects.toMatchObject({
    code: 'UNSUPPORTED_IMAGE',
    message: 'The image holds NaN at column 0, row 1; every value must be finite.',
  });
  await expect(decodeDataFile(floats(0, -Infinity, 2, 3))).rejects.toThrow('holds -Infinity at column 1, row 0');
  const { data } = await decodeDataFile(floats(-1, 0.5, 2, 3000));
  expect([...new Float32Array(data.buffer, data.byteOffset, 4)]).toEqual([-1, 0.5, 2, 3000]);
});
