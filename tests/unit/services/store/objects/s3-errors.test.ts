import { objectStoreError } from '../../../../../services/store/objects/s3-errors';

const answer = (httpStatusCode: number, name: string): Error =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

it.each([
  [404, 'NoSuchBucket', 'NOT_FOUND'],
  [403, 'SignatureDoesNotMatch', 'ILLEGAL_STATE'],
  // Of a bucket in another region.
  [301, 'PermanentRedirect', 'ILLEGAL_STATE'],
  [400, 'AuthorizationHeaderMalformed', 'ILLEGAL_STATE'],
  // Of a store without conditional writes.
  [501, 'NotImplemented', 'ILLEGAL_STATE'],
  [400, 'RequestTimeout', 'SERVICE_UNAVAILABLE'],
  [500, 'InternalError', 'SERVICE_UNAVAILABLE'],
  [503, 'SlowDown', 'SERVICE_UNAVAILABLE'],
])('an answer %i %s is %s', (status, name, code) => {
  expect(objectStoreError(answer(status, name), 's3://models')).toMatchObject({ code });
});
