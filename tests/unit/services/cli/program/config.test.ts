import { homedir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../../../services/cli/program/config';
import { packageRoot, packageVersion } from '../../../../../services/common/installation';

describe('loadConfig', () => {
  it('keeps the store in the home folder and starts stacks of its own unless told otherwise', () => {
    expect(loadConfig({})).toEqual({ home: join(homedir(), '.automed'), gateway: '', startTimeoutMs: 120_000 });
  });

  it('reads the environment', () => {
    expect(loadConfig({ AUTOMED_HOME: '/data', AUTOMED_GATEWAY: '10.0.0.1:50051' })).toMatchObject({
      home: '/data',
      gateway: '10.0.0.1:50051',
    });
  });

  it('names every variable that is wrong', () => {
    expect(() => loadConfig({ AUTOMED_GATEWAY: 'x', AUTOMED_START_TIMEOUT_MS: '-1' })).toThrow(
      /AUTOMED_GATEWAY[^]*AUTOMED_START_TIMEOUT_MS/,
    );
  });
});

describe('the package', () => {
  it('is found from here', () => {
    expect(packageRoot()).toBe(join(__dirname, '..', '..', '..', '..', '..'));
    expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
