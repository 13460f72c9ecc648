import {
  baseArchitecture,
  headPreprocessing,
  inputRuleText,
  standardPreprocessing,
  type BaseArchitecture,
  type HeadArchitecture,
} from '../../../../services/store';
import { baseManifestSchema, modelManifestSchema } from '../../../../services/store/manifests';

const { architecture: plain } = baseArchitecture('sam-med2d-vit-b');
const published: BaseArchitecture = { ...plain, fit: 'stretch', channels: 'bgr', resize: 'nearest' };
const mobilenet = { width: 1, se: 'improved' } as const;
const automed: HeadArchitecture = { kind: 'sam-automed', mobilenet };
const medcls: HeadArchitecture = { kind: 'sam-medcls', mobilenet, attention: true, classes: 3 };

test('bases and models from before there were channels and resize say what they said', () => {
  expect(inputRuleText({ fit: 'pad-or-stretch' })).toBe('{"fit":"pad-or-stretch"}');
  expect(inputRuleText({ fit: 'longest-side', channels: 'rgb', resize: 'bilinear' })).toBe('{"fit":"longest-side"}');
  expect(standardPreprocessing(plain)).toEqual({
    image_size: 256,
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
    fit: 'pad-or-stretch',
  });
  for (const head of [automed, medcls]) expect(headPreprocessing(head, plain)).toEqual(standardPreprocessing(plain));
});

test('heads inherit what their base knows; SAM-AutoMed keeps the paper’s resizing in the base’s channel order', () => {
  expect(headPreprocessing(medcls, published)).toMatchObject({ fit: 'stretch', channels: 'bgr', resize: 'nearest' });
  const paper = headPreprocessing(automed, published);
  expect(paper).toMatchObject({ fit: 'pad-or-stretch', channels: 'bgr', resize: 'bilinear' });
  expect(inputRuleText(paper)).toBe('{"fit":"pad-or-stretch","channels":"bgr"}');
  // What was asked for at the import stays.
  const asked: BaseArchitecture = { ...published, fit: 'longest-side', resize: 'bilinear' };
  expect(headPreprocessing(automed, asked)).toMatchObject({ fit: 'longest-side', channels: 'bgr', resize: 'bilinear' });
});

test('levels are rounded unless a manifest says exact, and heads inherit it', () => {
  const exact: BaseArchitecture = { ...plain, levels: 'exact' };
  for (const head of [automed, medcls]) {
    expect(headPreprocessing(head, plain)).not.toHaveProperty('levels');
    expect(inputRuleText(headPreprocessing(head, exact))).toBe('{"fit":"pad-or-stretch","levels":"exact"}');
  }
  expect(inputRuleText({ fit: 'stretch', levels: 'rounded' })).toBe('{"fit":"stretch"}');
});

test('manifests keep the fields, and refuse values that nobody knows', () => {
  const architecture = baseManifestSchema.shape.architecture;
  expect(architecture.parse(published)).toEqual(published);
  for (const wrong of [{ channels: 'gbr' }, { resize: 'cubic' }, { fit: 'crop' }, { levels: '8' }]) {
    expect(architecture.safeParse({ ...plain, ...wrong }).success).toBe(false);
  }
  expect(modelManifestSchema.options[0].shape.preprocessing.parse(standardPreprocessing(published))).toMatchObject({
    channels: 'bgr',
    resize: 'nearest',
  });
});
