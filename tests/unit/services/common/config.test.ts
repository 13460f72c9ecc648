import { z } from 'zod';
import {
  ConfigError,
  flag,
  integer,
  list,
  path,
  readConfig,
  redacted,
  requireLoopback,
  secret,
} from '../../../../services/common/config';

const schema = z.object({
  maxBatch: integer(1, 8).default(2),
  loadOnDemand: flag().default(true),
  roles: list().default([]),
  apiToken: secret().default(''),
  home: path().optional(),
});

test('the configuration reads each setting from its own variable and fills in defaults', () => {
  const config = readConfig(schema, { AUTOMED_MAX_BATCH: '4', AUTOMED_LOAD_ON_DEMAND: 'off', AUTOMED_ROLES: 'a, b,' });
  expect(config).toEqual({ maxBatch: 4, loadOnDemand: false, roles: ['a', 'b'], apiToken: '' });
});

test('the configuration takes an empty variable for an absent one', () => {
  expect(readConfig(schema, { AUTOMED_MAX_BATCH: '' }).maxBatch).toBe(2);
});

test('the configuration reports every problem at once, under the names of the variables', () => {
  const read = (): unknown => readConfig(schema, { AUTOMED_MAX_BATCH: '9', AUTOMED_LOAD_ON_DEMAND: 'maybe' });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(/AUTOMED_MAX_BATCH: must be at most 8[\s\S]*AUTOMED_LOAD_ON_DEMAND: must be true or false/);
});

test('the configuration is frozen', () => {
  const config = readConfig(schema, {}) as { maxBatch: number };
  expect(() => (config.maxBatch = 5)).toThrow(TypeError);
});

test('the configuration never prints a secret', () => {
  const config = readConfig(schema, { AUTOMED_API_TOKEN: 's3cret' });
  expect(config.apiToken).toBe('s3cret');
  expect(JSON.stringify(redacted(schema, config))).not.toContain('s3cret');
});

test('the configuration shows only the last part of a path', () => {
  const config = readConfig(schema, { AUTOMED_HOME: '/data/hospital/models' });
  expect(redacted(schema, config)).toMatchObject({ home: '.../models' });
});

test('the configuration refuses addresses that other machines can reach unless told that this is accepted', () => {
  const open = { address: '0.0.0.0:50051', metricsAddress: 'off' };
  expect(() => requireLoopback({ ...open, insecure: false })).toThrow(/0\.0\.0\.0:50051.*--insecure/);
  expect(() => requireLoopback({ ...open, insecure: true })).not.toThrow();
  const metrics = { address: '127.0.0.1:1', metricsAddress: '0.0.0.0:9464', insecure: false };
  expect(() => requireLoopback(metrics)).toThrow(ConfigError);
});
