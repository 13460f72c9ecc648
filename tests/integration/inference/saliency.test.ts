// Where the evidence for a class was found: exact, and about the class that was asked for.

import { classificationClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { CLASSES, makeStore } from '../../support/stack-store';

const home = temporaryFolder();
let program: Program;
let classification: ReturnType<typeof classificationClient>;

beforeAll(async () => {
  await (await makeStore(home)).addClassification('tumour');
  program = await startProgram('inference', { AUTOMED_HOME: home });
  classification = classificationClient(program.address);
});
afterAll(async () => {
  classification?.close();
  await program?.stop();
});

const singles = (data: Buffer | undefined): Float32Array => new Float32Array(Uint8Array.from(data ?? []).buffer);

test('a class has a map of its own over the input, and none is made unless asked for', async () => {
  const { png } = await discImage(120, 80);
  const plain = await classification.unary('Classify', { model: 'tumour', image: { encoded: png } });
  expect(plain.saliency).toBeNull();
  const maps = [];
  for (const className of ['', ...CLASSES]) {
    const request = { model: 'tumour', image: { encoded: png }, saliency: { className } };
    const { saliency, probabilities, predictedClass } = await classification.unary('Classify', request);
    expect(probabilities).toEqual(plain.probabilities);
    expect(saliency?.className).toBe(className === '' ? predictedClass : className);
    expect(saliency?.map?.shape).toEqual([16, 16]);
    // 120 x 80 in the middle of 256 x 256.
    expect(saliency?.placement).toEqual({
      inputSizePx: 256,
      leftPx: 68,
      topPx: 88,
      innerWidthPx: 120,
      innerHeightPx: 80,
    });
    maps.push(singles(saliency?.map?.data));
  }
  const [predicted, ...each] = maps;
  expect(each).toContainEqual(predicted);
  expect(new Set(each.map((map) => map.join())).size).toBe(CLASSES.length);
  for (const map of each) expect(map.some((value) => value !== 0)).toBe(true);
});

test('a class that the model does not have is refused by name', async () => {
  const { png } = await discImage(120, 80);
  const request = { model: 'tumour', image: { encoded: png }, saliency: { className: 'cat' } };
  await expect(classification.unary('Classify', request)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'saliency.class_name',
    message: expect.stringContaining('glioma, meningioma, none') as string,
  });
});
