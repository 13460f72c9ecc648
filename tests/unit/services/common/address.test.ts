import { isLoopback, parseAddress, withPort } from '../../../../services/common/address';

test.each(['127.0.0.1:1', '127.9.0.1:1', 'localhost:0', '[::1]:5', 'unix:/run/automed.sock'])(
  '%s can be reached from this machine only',
  (address) => expect(isLoopback(address)).toBe(true),
);

test.each(['0.0.0.0:1', '[::]:1', '10.0.0.4:1', 'example.org:1', 'localhost.evil.org:1', '[::ffff:1.2.3.4]:1'])(
  '%s can be reached from elsewhere',
  (address) => expect(isLoopback(address)).toBe(false),
);

test.each(['', 'x', ':1', 'host:', 'host:70000', 'unix:', '::1:5'])('%j is no address', (address) => {
  expect(parseAddress(address).problem).toBeDefined();
});

test('an address puts the bound port where port 0 was asked for', () => {
  expect(withPort('127.0.0.1:0', 4711)).toBe('127.0.0.1:4711');
  expect(withPort('[::1]:0', 4711)).toBe('[::1]:4711');
});
