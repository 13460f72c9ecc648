// The types of `automed/client`: checked by tsc in the build and in `npm run lint`, so that a change of a public type is seen.

import { expectTypeOf } from 'expect-type';
import type * as client from '../../../../services/client';
import type { AutomedClient, AutomedError, CallOptions, StreamAnswer } from '../../../../services/client';

type Segmentation = AutomedClient['segmentation'];
type Interactive = AutomedClient['interactive'];

test('a client is made of an address and options', () => {
  expectTypeOf<typeof AutomedClient>().toBeConstructibleWith('127.0.0.1:50051');
  expectTypeOf<typeof AutomedClient>().toBeConstructibleWith('127.0.0.1:50051', { timeoutMs: 1000, attempts: 1 });
  expectTypeOf<keyof client.ClientOptions>().toEqualTypeOf<
    'timeoutMs' | 'attempts' | 'silenceMs' | 'metadata' | 'credentials' | 'maxMessageBytes'
  >();
  expectTypeOf<keyof CallOptions>().toEqualTypeOf<'timeoutMs' | 'signal' | 'metadata'>();
  expectTypeOf<CallOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>();
});

test('a client has a property for each service', () => {
  type Services = Exclude<keyof AutomedClient, 'close'>;
  expectTypeOf<Services>().toEqualTypeOf<
    | 'segmentation'
    | 'interactive'
    | 'classification'
    | 'analysis'
    | 'models'
    | 'bases'
    | 'datasets'
    | 'trainingJobs'
    | 'evaluations'
    | 'pacs'
    | 'promotions'
    | 'reports'
    | 'reviews'
    | 'gateway'
    | 'health'
  >();
});

test('requests leave fields out, answers have them all', () => {
  expectTypeOf<Segmentation['segment']>().parameter(0).toEqualTypeOf<client.SegmentRequest>();
  expectTypeOf<Segmentation['segment']>().returns.resolves.toEqualTypeOf<client.SegmentResponse>();
  expectTypeOf<object>().toExtend<client.SegmentRequest>();
  expectTypeOf<client.SegmentRequest['model']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<client.SegmentResponse['threshold']>().toEqualTypeOf<number>();
  expectTypeOf<client.Mask['structure']>().toEqualTypeOf<string>();
  expectTypeOf<client.Mask['areaPx']>().toEqualTypeOf<string>();
  expectTypeOf<client.Model['classes']>().toEqualTypeOf<string[]>();
  expectTypeOf<client.Model['weightsBytes']>().toEqualTypeOf<string>();
});

test('closed choices are unions of names, which answers give as one of them', () => {
  expectTypeOf<'TASK_SEGMENTATION'>().toExtend<client.Task>();
  expectTypeOf<'segmentation'>().not.toExtend<client.Task>();
  expectTypeOf<client.Model['task']>().toEqualTypeOf<
    'TASK_UNSPECIFIED' | 'TASK_SEGMENTATION' | 'TASK_CLASSIFICATION'
  >();
  expectTypeOf<'POINT_LABEL_FOREGROUND'>().toExtend<NonNullable<client.PointPrompt['label']>>();
});

test('lists and streams are async iterators', () => {
  expectTypeOf<AutomedClient['models']['list']>().returns.toEqualTypeOf<AsyncGenerator<client.Model>>();
  expectTypeOf<AutomedClient['trainingJobs']['watch']>().returns.toEqualTypeOf<AsyncGenerator<client.TrainingEvent>>();
  type Answer = StreamAnswer<client.SegmentResponse>;
  expectTypeOf<Segmentation['segmentStream']>().returns.toEqualTypeOf<AsyncGenerator<Answer>>();
  expectTypeOf<Extract<Answer, { error: unknown }>['error']>().toEqualTypeOf<AutomedError>();
  expectTypeOf<Extract<Answer, { result: unknown }>['result']>().toEqualTypeOf<client.SegmentResponse>();
});

test('prompts on an opened image name neither the model nor the image again', () => {
  type Opened = ReturnType<Interactive['open']>;
  expectTypeOf<Opened>().toEqualTypeOf<client.PromptedImage>();
  type Prompts = Parameters<Opened['predictMasks']>[0];
  expectTypeOf<keyof Prompts & ('model' | 'image' | 'embeddingId' | 'source')>().toEqualTypeOf<never>();
  expectTypeOf<Prompts['points']>().toEqualTypeOf<client.PointPrompt[] | undefined>();
  expectTypeOf<Opened['embeddingId']>().toEqualTypeOf<string | undefined>();
});

test('errors have a code of a closed list, the field at fault and when to try again', () => {
  expectTypeOf<AutomedError['code']>().toEqualTypeOf<client.ErrorCode>();
  expectTypeOf<'EMBEDDING_NOT_RESIDENT'>().toExtend<client.ErrorCode>();
  expectTypeOf<string>().not.toExtend<client.ErrorCode>();
  expectTypeOf<AutomedError['field']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<AutomedError['retryAfterMs']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<AutomedError['retryable']>().toEqualTypeOf<boolean>();
  expectTypeOf<client.NotFoundError>().toExtend<AutomedError>();
});
