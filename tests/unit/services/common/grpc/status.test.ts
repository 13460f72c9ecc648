import { Metadata, status as Code } from '@grpc/grpc-js';
import {
  automedError,
  CheckpointError,
  ERROR_CODES,
  InternalError,
  InvalidInputError,
  ResourceExhaustedError,
} from '../../../../../services/common/errors';
import { fromItemStatus, fromStatus, toItemStatus, toStatus } from '../../../../../services/common/grpc/status';

test.each([...ERROR_CODES])('%s comes back as the same class and code', (code) => {
  const sent = automedError(code, 'a sentence', { field: 'image.raw', retryAfterMs: 1500 });
  const received = fromStatus(toStatus(sent, 'id-1'));
  expect(received.constructor).toBe(sent.constructor);
  expect(received.code).toBe(code);
  expect(received.field).toBe('image.raw');
  expect(received.retryAfterMs).toBe(1500);
});

test('keeps the text of a fault of ours to the log and gives the request id instead', () => {
  const status = toStatus(new Error('password=hunter2 at /srv/x'), 'id-7');
  expect(status.code).toBe(Code.INTERNAL);
  expect(status.details).toContain('id-7');
  expect(status.details + JSON.stringify(status.metadata.toJSON())).not.toContain('hunter2');
  expect(fromStatus(status)).toBeInstanceOf(InternalError);
});

test('names the field at fault', () => {
  const status = toStatus(automedError('INVALID_ARGUMENT', 'no', { field: 'threshold' }), 'id');
  expect(status.code).toBe(Code.INVALID_ARGUMENT);
  expect(fromStatus(status)).toBeInstanceOf(InvalidInputError);
  expect(fromStatus(status).field).toBe('threshold');
});

test('tells a caller of a full queue when to come back even if the engine does not', () => {
  const back = fromStatus(toStatus(automedError('QUEUE_FULL', 'full'), 'id'));
  expect(back).toBeInstanceOf(ResourceExhaustedError);
  expect(back.retryAfterMs).toBeGreaterThan(0);
});

test('a full disk is STORAGE_FULL whoever reports it', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  expect(fromStatus(toStatus(error, 'id')).code).toBe('STORAGE_FULL');
});

test('damaged weights are DATA_LOSS', () => {
  const status = toStatus(automedError('CHECKPOINT_CORRUPT', 'changed'), 'id');
  expect(status.code).toBe(Code.DATA_LOSS);
  expect(fromStatus(status)).toBeInstanceOf(CheckpointError);
});

test('a status of gRPC itself gets the nearest class', () => {
  const raised = { code: Code.UNAVAILABLE, details: 'no connection', metadata: new Metadata() };
  expect(fromStatus(raised).code).toBe('DEVICE_UNAVAILABLE');
});

test('text with half a surrogate pair can still travel', () => {
  const status = toStatus(automedError('NOT_FOUND', 'no model \ud800'), 'id');
  expect(() => encodeURI(status.details)).not.toThrow();
});

test('the status of an item carries reason, field and delay both ways', () => {
  const sent = toItemStatus(automedError('QUEUE_FULL', 'full', { retryAfterMs: 40 }), 'id');
  expect(sent).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: 'QUEUE_FULL', retryAfterMs: 40 });
  const wire = { code: 8, message: 'full', reason: 'QUEUE_FULL', field: '', retryAfterMs: '40' };
  expect(fromItemStatus(wire)).toMatchObject({ code: 'QUEUE_FULL', field: undefined, retryAfterMs: 40 });
});
