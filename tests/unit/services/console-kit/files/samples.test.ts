import { readSamples, type SampleLayout } from '../../../../../services/console-kit/files/samples';

const layout: SampleLayout = {
  width: 2,
  height: 1,
  bits: 16,
  stored: 12,
  samples: 1,
  signed: false,
  planar: false,
  bigEndian: false,
};

test('bits above those that are stored do not count', () => {
  expect([...readSamples(Uint8Array.of(0x34, 0xf2, 0xff, 0x0f), layout)]).toEqual([0x234, 0xfff]);
});

test('signed values keep their order', () => {
  const bytes = Uint8Array.of(0xff, 0x0f, 0x01, 0x00);
  expect([...readSamples(bytes, { ...layout, signed: true })]).toEqual([32_767, 32_769]);
});

test('big endian and eight bits', () => {
  expect([...readSamples(Uint8Array.of(0x01, 0x02, 0x00, 0x03), { ...layout, stored: 16, bigEndian: true })]).toEqual([
    0x102, 3,
  ]);
  expect([...readSamples(Uint8Array.of(7, 255), { ...layout, bits: 8, stored: 8 })]).toEqual([7, 255]);
});
