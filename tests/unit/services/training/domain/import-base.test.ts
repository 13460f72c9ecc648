import { matchesName } from '../../../../../services/training/domain/import-base';

const SHA = '01ec64d29a2fca3f0661936605ae66f8'.repeat(2);

describe('the checksum in the name of a published file', () => {
  it.each([
    ['sam_vit_b_01ec64.pth', true],
    ['weights-01ec64d2.pth', true],
    ['sam_vit_b_01ec65.pth', false],
    ['mobilenet_v3_large-8738ca79.pth', false],
  ])('is compared: %s', (name, expected) => {
    expect(matchesName(name, SHA)).toBe(expected);
  });

  it.each(['sam-med2d_b.pth', 'model_202411.pth', 'weights.safetensors', '01ec64.pth', 'a_01ec6.pth'])(
    'is not seen where there is none: %s',
    (name) => {
      expect(matchesName(name, SHA)).toBeNull();
    },
  );
});
