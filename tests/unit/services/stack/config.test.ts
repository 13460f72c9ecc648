import { backendFiles, backendTls, stopGraceMs } from '../../../../services/stack/config';

test('a program that was told to end is killed only after its own time for calls in progress', () => {
  expect(stopGraceMs({})).toBe(35_000);
  expect(stopGraceMs({ AUTOMED_SHUTDOWN_TIMEOUT_MS: '90000' })).toBe(95_000);
});

test("TLS of the environment is the gateway's, unless it says how the gateway knows the services", () => {
  const gateway = { AUTOMED_TLS_CERT_FILE: 'a.pem', AUTOMED_TLS_KEY_FILE: 'a.key' };
  expect(backendTls(gateway)).toMatchObject({ AUTOMED_TLS_CERT_FILE: '', AUTOMED_TLS_KEY_FILE: '' });
  expect(backendTls({ ...gateway, AUTOMED_BACKEND_TLS_CA_FILE: 'ca.pem' })).toEqual({});
});

test('who calls such a service on this machine knows it by the files of the gateway', () => {
  expect(backendFiles({ AUTOMED_TLS_CERT_FILE: 'a.pem' })).toEqual({});
  const gateway = { AUTOMED_BACKEND_TLS_CA_FILE: 'ca.pem', AUTOMED_BACKEND_TLS_CERT_FILE: 'b.pem' };
  expect(backendFiles(gateway)).toEqual({ caFile: 'ca.pem', certFile: 'b.pem' });
});
