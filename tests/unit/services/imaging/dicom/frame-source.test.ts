// Which frame a picture is, how large its pixels are and where that was measured.

import { DicomImage, type FrameSource } from '../../../../../services/imaging/dicom';
import { greyDicom, planeGroups, type DicomElements } from '../../../../support/dicom';

function sourceOf(more: DicomElements, frame = 0, frames = 1): FrameSource {
  const values = Array.from({ length: 2 * frames }, (_, at) => at);
  return DicomImage.parse(greyDicom({ width: 2, height: 1, bits: 8, frames, values, more })).source(frame);
}

const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
const region = (deltaX: number, deltaY: number, { format = 1, units = 3 } = {}): DicomElements => ({
  '00186012': ['US', [format]],
  '00186024': ['US', [units]],
  '00186026': ['US', [units]],
  '0018602c': ['FD', double(deltaX)],
  '0018602e': ['FD', double(deltaY)],
});
const regions = (...items: DicomElements[]): DicomElements => ({ '00186011': ['SQ', items] });
const spacing = (text: string): DicomElements => ({ '00280030': ['DS', text] });
const detector = (text: string): DicomElements => ({ '00181164': ['DS', text] });
const modality = (text: string): DicomElements => ({ '00080060': ['CS', text] });

test.each<[string, DicomElements, FrameSource['pixelSize']]>([
  ['a slice', { ...modality('CT'), ...spacing('0.5\\0.25') }, { rowMm: 0.5, columnMm: 0.25, origin: 'patient' }],
  [
    'functional groups, before the data set',
    { '52009229': ['SQ', [planeGroups('0\\0\\0', '1\\0\\0\\0\\1\\0', '3\\4')]], ...spacing('1\\1') },
    { rowMm: 3, columnMm: 4, origin: 'patient' },
  ],
  [
    'a radiograph of which only the detector is known',
    { ...modality('DX'), ...detector('0.15\\0.15') },
    { rowMm: 0.15, columnMm: 0.15, origin: 'detector' },
  ],
  [
    'a radiograph whose Pixel Spacing repeats that of the detector',
    { ...modality('DX'), ...detector('0.15\\0.15'), ...spacing('0.1500\\0.15000') },
    { rowMm: 0.15, columnMm: 0.15, origin: 'detector' },
  ],
  [
    'a radiograph that was corrected',
    { ...modality('DX'), ...detector('0.15\\0.15'), ...spacing('0.12\\0.12') },
    { rowMm: 0.12, columnMm: 0.12, origin: 'calibrated' },
  ],
  [
    'a radiograph that names its calibration',
    { ...modality('CR'), ...spacing('0.2\\0.2'), '00280a02': ['CS', 'FIDUCIAL'] },
    { rowMm: 0.2, columnMm: 0.2, origin: 'calibrated' },
  ],
  [
    'a radiograph that names none',
    { ...modality('CR'), ...spacing('0.2\\0.2') },
    { rowMm: 0.2, columnMm: 0.2, origin: 'detector' },
  ],
  [
    'a mammogram with its estimated magnification',
    { ...modality('MG'), ...detector('0.1\\0.1'), '00181114': ['DS', '1.25'] },
    { rowMm: 0.08, columnMm: 0.08, origin: 'estimated' },
  ],
  [
    'an ultrasound image of one region, in centimetres',
    { ...modality('US'), ...regions(region(0.05, -0.04)) },
    { rowMm: 0.4, columnMm: 0.5, origin: 'ultrasound-region' },
  ],
  [
    'an ultrasound image with a graph beside its region',
    { ...modality('US'), ...regions(region(0.05, 0.05), region(0.001, 0.2, { format: 3, units: 4 })) },
    { rowMm: 0.5, columnMm: 0.5, origin: 'ultrasound-region' },
  ],
  ['regions of two scales', { ...modality('US'), ...regions(region(0.05, 0.05), region(0.1, 0.1)) }, undefined],
  ['a region of another unit', { ...modality('US'), ...regions(region(0.05, 0.05, { units: 4 })) }, undefined],
  ['decimal commas', { ...modality('CT'), ...spacing('0,5\\1,5') }, undefined],
  ['one distance', { ...modality('CT'), ...spacing('0.5') }, undefined],
  ['three distances', { ...modality('CT'), ...spacing('1\\1\\1') }, undefined],
  ['0', { ...modality('CT'), ...spacing('0\\0.5') }, undefined],
  ['a negative distance', { ...modality('CT'), ...spacing('-1\\0.5') }, undefined],
  ['more than a double holds', { ...modality('CT'), ...spacing('1e999\\1') }, undefined],
  ['nothing', {}, undefined],
])('the pixel size of %s', (_what, more, size) => {
  const found = sourceOf(more).pixelSize;
  if (!size) return expect(found).toBeUndefined();
  expect(found).toEqual({
    rowMm: expect.closeTo(size.rowMm, 9),
    columnMm: expect.closeTo(size.columnMm, 9),
    origin: size.origin,
  });
});

test('each frame has the size and plane of its own functional group', () => {
  const groups = [1, 2, 3].map((at) => planeGroups(`0\\0\\${at}`, '1\\0\\0\\0\\1\\0', `${at}\\5`));
  const source = (frame: number): FrameSource => sourceOf({ '52009230': ['SQ', groups] }, frame, 3);
  expect(source(1)).toMatchObject({
    frame: 1,
    frames: 3,
    pixelSize: { rowMm: 2, columnMm: 5 },
    plane: { position: [0, 0, 2], across: [1, 0, 0], down: [0, 1, 0] },
  });
  expect(source(2)).toMatchObject({ frame: 2, pixelSize: { rowMm: 3 }, plane: { position: [0, 0, 3] } });
});

test('a radiograph without a plane says which way its rows and columns run', () => {
  const { plane, patientOrientation, seriesUid } = sourceOf({ '00200020': ['CS', 'L\\F'] });
  expect([plane, patientOrientation, seriesUid]).toEqual([undefined, ['L', 'F'], undefined]);
});
