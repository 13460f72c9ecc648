// The console's own mask decoder beside LibTorch's: the same embedding, the same weights, the same masks.

import { join } from 'node:path';
import { LocalMask } from '../../support/local-mask';
import { decodeMask } from '../../../services/imaging/mask';
import { baseArchitecture, WEIGHTS_FILE } from '../../../services/store';
import { initBase } from '../../../native/lib';
import { interactiveClient } from '../../support/api-clients';
import { baseDraft, temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const home = temporaryFolder();
let program: Program;
let interactive: ReturnType<typeof interactiveClient>;

/** A small encoder before a prompt encoder and a decoder of the published size. */
const WIDE = {
  out_channels: 256,
  decoder: { depth: 2, heads: 8, mlp_dim: 2048, iou_hidden: 256, multimask_outputs: 3 },
};

beforeAll(async () => {
  const { store } = await makeStore(home);
  for (const [name, arch] of [
    ['sam', 'tiny-sam'],
    ['med2d', 'tiny'],
  ] as const) {
    const known = baseArchitecture(arch);
    const draft = { ...baseDraft(name, { ...known, architecture: { ...known.architecture, ...WIDE } }) };
    await store.registerBase(draft, async (folder) => {
      await initBase(JSON.stringify(draft.architecture), 7, join(folder, WEIGHTS_FILE));
    });
  }
  program = await startProgram('inference', { AUTOMED_HOME: home });
  interactive = interactiveClient(program.address);
});
afterAll(async () => {
  interactive?.close();
  await program?.stop();
});

describe.each(['sam', 'med2d'])('the decoder of %s in the browser', (model) => {
  test.each([
    ['stretched', 400, 300],
    ['padded', 120, 80],
  ])('draws on an image that is %s what the server draws', async (_, width, height) => {
    const { png } = await discImage(width, height, 5);
    const encoded = await interactive.unary('EncodeImage', { model, image: { encoded: png }, returnEmbedding: true });
    const decoder = await interactive.unary('GetMaskDecoder', { model });
    const local = new LocalMask(decoder, encoded);
    for (const [xPx, yPx] of [
      [width / 2, height / 2],
      [3, height - 2],
      [width * 0.8, height * 0.2],
    ] as const) {
      const points = [{ xPx, yPx, label: 'POINT_LABEL_FOREGROUND' as const }];
      const request = { model, embeddingId: encoded.embeddingId, points, returnLogits: true };
      const [answer] = (await interactive.unary('PredictMasks', request)).masks;
      const drawn = local.draw(xPx, yPx);
      const expected = new Float32Array(Uint8Array.from(answer?.logits?.data ?? []).buffer);
      expect(relativeError(drawn.logits, expected)).toBeLessThan(2e-3);
      expect(drawn.iou).toBeCloseTo(answer?.predictedIou ?? NaN, 3);
      const { mask } = await decodeMask(answer?.mask?.png ?? Buffer.alloc(0));
      expect(dice(drawn.bits, mask)).toBeGreaterThanOrEqual(0.999);
    }
  });
});

/** Root mean square of the difference, over that of the expected values. */
function relativeError(values: Float32Array, expected: Float32Array): number {
  expect(values.length).toBe(expected.length);
  const squares = (of: (at: number) => number): number => expected.reduce((sum, _, at) => sum + of(at) ** 2, 0);
  return Math.sqrt(squares((at) => (values[at] ?? NaN) - (expected[at] ?? NaN)) / squares((at) => expected[at] ?? NaN));
}

function dice(a: Uint8Array, b: Uint8Array): number {
  const both = a.reduce((sum, value, at) => sum + (value === 1 && b[at] === 1 ? 1 : 0), 0);
  const all = a.reduce((sum, value) => sum + value, 0) + b.reduce((sum, value) => sum + value, 0);
  return all === 0 ? 1 : (2 * both) / all;
}
