import { Metadata, status as Code } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo } from 'nice-grpc-error-details/lib/proto/google/rpc/error_details';
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status';
import {
  automedError,
  CheckpointError,
  ERROR_CODES,
  InternalError,
  InvalidInputError,
  ResourceExhaustedError,
} from '../../../../../services/common/errors';
import { boundStatus } from '../../../../../services/common/grpc/status-bounds';
import { DETAILS_KEY, pack } from '../../../../../services/common/grpc/status-details';
import { fromItemStatus, fromStatus, toItemStatus, toStatus } from '../../../../../services/common/grpc/status';

test.each([...ERROR_CODES])('%s comes back as the same class and code', (code) => {
  const sent = automedError(code, 'a sentence', { field: 'image.raw', retryAfterMs: 1500 });
  const received = fromStatus(toStatus(sent, 'id-1'));
  expect(received.constructor).toBe(sent.constructor);
  expect(received.code).toBe(code);
  expect(received.field).toBe('image.raw');
  expect(received.retryAfterMs).toBe(1500);
});

test('a status keeps the text of a fault of ours to the log and gives the request id instead', () => {
  const status = toStatus(new Error('password=hunter2 at /srv/x'), 'id-7');
  expect(status.code).toBe(Code.INTERNAL);
  expect(status.details).toContain('id-7');
  expect(status.details + JSON.stringify(status.metadata.toJSON())).not.toContain('hunter2');
  expect(fromStatus(status)).toBeInstanceOf(InternalError);
});

test('a status names the field at fault', () => {
  const status = toStatus(automedError('INVALID_ARGUMENT', 'no', { field: 'threshold' }), 'id');
  expect(status.code).toBe(Code.INVALID_ARGUMENT);
  expect(fromStatus(status)).toBeInstanceOf(InvalidInputError);
  expect(fromStatus(status).field).toBe('threshold');
});

test('a status tells a caller of a full queue when to come back even if the engine does not', () => {
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
  expect(fromStatus(raised).code).toBe('SERVICE_UNAVAILABLE');
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

test.each(['a', '\u75c5', '\u{1f642}', '%', '\ud800'])('a status of a megabyte of %j fits into trailers', (unit) => {
  const text = unit.repeat(1_000_000);
  const status = toStatus(automedError('INVALID_ARGUMENT', text, { field: text, retryAfterMs: 5 }), 'id');
  expect(Buffer.byteLength(status.details)).toBeLessThanOrEqual(1_000);
  expect(encodeURI(status.details).length + detailsBytes(status.metadata)).toBeLessThan(8_192);
  expect(detailsBytes(status.metadata)).toBeLessThan(4_096);
  expect(fromStatus(status)).toMatchObject({ code: 'INVALID_ARGUMENT', retryAfterMs: 5 });
  const item = toItemStatus(automedError('NOT_FOUND', text, { field: text }), 'id');
  expect(Buffer.byteLength(`${item.message}${item.field}`)).toBeLessThanOrEqual(1_256);
});

test('a status of another make keeps what clients read of its details, cut to the same bounds', () => {
  const info = { reason: 'QUEUE_FULL', domain: 'automed', metadata: { all: 'x'.repeat(50_000) } };
  const retry = RetryInfo.fromPartial({ retryDelay: { seconds: 2 } });
  const details = [pack(ErrorInfo, ErrorInfo.fromPartial(info)), pack(RetryInfo, retry)];
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode(Status.fromPartial({ details })).finish()));
  const bounded = boundStatus({ code: Code.RESOURCE_EXHAUSTED, details: 'x'.repeat(70_000), metadata });
  expect(detailsBytes(bounded.metadata)).toBeLessThan(4_096);
  expect(fromStatus(bounded)).toMatchObject({ code: 'QUEUE_FULL', retryAfterMs: 2_000 });
  expect(metadata.get(DETAILS_KEY)[0]?.length).toBeGreaterThan(50_000);
  const short = toStatus(automedError('NOT_FOUND', 'no'), 'id');
  expect(boundStatus(short)).toBe(short);
});

function detailsBytes(metadata: Metadata): number {
  return (metadata.get(DETAILS_KEY)[0] as Buffer).toString('base64').length;
}
