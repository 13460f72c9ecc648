import { readGatewayConfig } from '../../../../services/gateway/config';

test('needs no configuration: everything goes to one program on this machine', () => {
  const { table, address } = readGatewayConfig([], {});
  expect(address).toBe('127.0.0.1:50051');
  expect(table.rules.map(({ backends }) => backends)).toEqual(
    Array(4).fill([{ address: '127.0.0.1:50052', weight: 1 }]),
  );
});

test('reads rules as JSON', () => {
  const text = JSON.stringify({ rules: [{ model: 'polyp', backends: [{ address: 'h:1', weight: 9 }] }] });
  const { table } = readGatewayConfig([], { AUTOMED_ROUTES: text });
  expect(table.rules).toEqual([{ service: '*', model: 'polyp', backends: [{ address: 'h:1', weight: 9 }] }]);
});

test.each([
  ['is no JSON', '{', /AUTOMED_ROUTES: is no JSON/],
  ['has no backends', '{"rules":[{"backends":[]}]}', /AUTOMED_ROUTES: rules\.0\.backends/],
  ['has an unknown key', '{"rules":[{"backend":"x","backends":["y:1"]}]}', /AUTOMED_ROUTES: rules\.0/],
])('refuses a table that %s', (_how, text, message) => {
  expect(() => readGatewayConfig([], { AUTOMED_ROUTES: text })).toThrow(message);
});

test('names the variable of a routes file that cannot be read, not its content', () => {
  expect(() => readGatewayConfig([], { AUTOMED_ROUTES_FILE: '/nowhere/routes.json' })).toThrow(
    'AUTOMED_ROUTES_FILE: cannot be read (ENOENT)',
  );
});

test('listens beyond this machine only with --insecure', () => {
  expect(() => readGatewayConfig([], { AUTOMED_ADDRESS: '0.0.0.0:50051' })).toThrow('--insecure');
  expect(readGatewayConfig(['--insecure'], { AUTOMED_ADDRESS: '0.0.0.0:50051' }).address).toBe('0.0.0.0:50051');
});
