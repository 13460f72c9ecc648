import { boundHeaders } from '../../../../../services/common/grpc/incoming-headers';

const bounded = (timeout: string): unknown => {
  const headers = { 'grpc-timeout': timeout };
  boundHeaders(headers);
  return headers['grpc-timeout'];
};

test.each(['1S', '99999999m', '2147483S', '35791M', '596H', '99999999u', '99999999n', '0H'])('keeps %s', (timeout) =>
  expect(bounded(timeout)).toBe(timeout),
);

test.each(['2147484S', '35792M', '597H', '99999999S', '99999999H'])('takes %s for no deadline', (timeout) =>
  expect(bounded(timeout)).toBeUndefined(),
);

test('cuts what an answer would repeat', () => {
  expect(bounded('x'.repeat(60_000))).toHaveLength(16);
  const headers = { ':path': `/${'x'.repeat(60_000)}` };
  boundHeaders(headers);
  expect(headers[':path']).toHaveLength(256);
});
