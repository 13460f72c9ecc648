import { serviceNames } from '../../../../../services/common/grpc/proto';
import { httpMethods } from '../../../../../services/gateway/http/api';

test('the protos put every method of one request where HTTP has it, its whole request as the body', () => {
  const methods = httpMethods(serviceNames());
  expect(methods.map(({ path }) => path)).toEqual(methods.map(({ grpcPath }) => `/v1${grpcPath}`));
  expect(methods.length).toBeGreaterThan(60);
});
