// The types of native/lib's public surface, held by the compiler (`npm run build`, `npm run lint`); run, this only loads it.

import { expectTypeOf } from 'expect-type';
import * as native from '../../../../native/lib';

describe('the public surface', () => {
  it('exports values by these names and no others', () => {
    expectTypeOf<keyof typeof native>().toEqualTypeOf<
      | 'AutomedError'
      | 'Base'
      | 'BRIEF_SPIN'
      | 'buildInfo'
      | 'CancelledError'
      | 'CheckpointError'
      | 'DeadlineError'
      | 'DeviceError'
      | 'digestAnswer'
      | 'Engine'
      | 'ERROR_CODES'
      | 'EVERYTHING_DEFAULTS'
      | 'headArchitecture'
      | 'IllegalStateError'
      | 'importBase'
      | 'importHarDNet'
      | 'importMobileNet'
      | 'initBase'
      | 'InternalError'
      | 'InvalidInputError'
      | 'Model'
      | 'NATIVE_ERROR_CODES'
      | 'NotFoundError'
      | 'PermissionDeniedError'
      | 'ResourceExhaustedError'
      | 'spinBriefly'
      | 'Trainer'
      | 'UnauthenticatedError'
      | 'UnavailableError'
      | 'automedError'
      | 'fromNative'
      | 'typedErrors'
    >();
    expect(Object.keys(native).filter((name) => name.startsWith('Raw'))).toEqual([]);
  });

  it('takes pixels of three types, with a window where they have one', () => {
    expectTypeOf<native.SampleType>().toEqualTypeOf<'uint8' | 'uint16' | 'float32'>();
    expectTypeOf<native.ValueWindow>().toEqualTypeOf<{ low: number; high: number }>();
    expectTypeOf<native.Pixels>().toHaveProperty('data').toEqualTypeOf<Uint8Array>();
    expectTypeOf<native.Pixels>().toHaveProperty('window').toEqualTypeOf<native.ValueWindow | null | undefined>();
    expectTypeOf<Omit<native.Pixels, 'window'>>().toExtend<native.Pixels>();
    expectTypeOf<Omit<native.Pixels, 'channels'>>().not.toExtend<native.Pixels>();
  });

  it('answers what it was asked', () => {
    expectTypeOf(native.Engine).toBeConstructibleWith({} as native.EngineOptions);
    expectTypeOf<native.Engine['segment']>().returns.resolves.toEqualTypeOf<native.Segmentation>();
    expectTypeOf<native.Engine['classify']>().returns.resolves.toEqualTypeOf<native.Classification>();
    expectTypeOf<native.Engine['analyze']>().returns.resolves.toEqualTypeOf<native.Analysis>();
    expectTypeOf<native.Engine['encode']>().returns.resolves.toEqualTypeOf<native.EncodedImage>();
    expectTypeOf<native.Engine['predictMasks']>().returns.resolves.toEqualTypeOf<native.PromptedMasks>();
    expectTypeOf<native.Engine['findEverything']>().returns.resolves.toEqualTypeOf<native.FoundMasks>();
    expectTypeOf<native.Engine['stats']>().returns.toEqualTypeOf<native.EngineStats>();
    expectTypeOf<native.EngineStats[keyof native.EngineStats]>().toEqualTypeOf<number | null>();
    expectTypeOf<native.DrawnMask['boundingBox']>().toEqualTypeOf<[number, number, number, number] | null>();
  });

  it('wants a threshold of segmentation alone', () => {
    expectTypeOf<{ model: native.Model; task: 'classification' }>().toExtend<native.Head>();
    expectTypeOf<{ model: native.Model; task: 'segmentation'; threshold: number }>().toExtend<native.Head>();
    expectTypeOf<{ model: native.Model; task: 'segmentation' }>().not.toExtend<native.Head>();
  });

  it('closes the choices of a training, and leaves open what has a default', () => {
    type Options = native.TrainerOptions;
    expectTypeOf<Options['task']>().toEqualTypeOf<'segmentation' | 'classification'>();
    expectTypeOf<Options['train']>().toEqualTypeOf<'head' | 'adapters' | 'encoder'>();
    expectTypeOf<Options['optimizer']>().toEqualTypeOf<'adam' | 'adamw'>();
    expectTypeOf<Omit<Options, 'preprocessing' | 'threshold'>>().toExtend<Options>();
    expectTypeOf<Omit<Options, 'seed'>>().not.toExtend<Options>();
    expectTypeOf<(typeof native.Trainer)['create']>().parameter(0).toEqualTypeOf<Options>();
    expectTypeOf<Parameters<native.Trainer['train']>>().toEqualTypeOf<[steps: number]>();
    expectTypeOf<native.Trainer['train']>().returns.resolves.toEqualTypeOf<native.StepResult>();
    expectTypeOf<native.Trainer['evaluate']>().returns.resolves.toEqualTypeOf<native.SampleResult[]>();
  });

  it('throws errors whose code is one of a closed list', () => {
    expectTypeOf<native.AutomedError['code']>().toEqualTypeOf<native.ErrorCode>();
    expectTypeOf<native.InvalidInputError>().toExtend<native.AutomedError>();
    expectTypeOf<(typeof native.NATIVE_ERROR_CODES)[number]>().toExtend<native.ErrorCode>();
  });

  it('makes bases and models by loading only, and says nothing of an `any`', () => {
    expectTypeOf<native.Base>().toHaveProperty('parameterCount').toEqualTypeOf<number>();
    expectTypeOf<native.Model>().toHaveProperty('base').toEqualTypeOf<native.Base>();
    expectTypeOf<native.BuildInfo>().not.toBeAny();
    expectTypeOf(native.importBase).returns.resolves.toEqualTypeOf<native.ImportReport>();
    expectTypeOf(native.initBase).parameters.toEqualTypeOf<[architecture: string, seed: number, weightsPath: string]>();
  });
});
