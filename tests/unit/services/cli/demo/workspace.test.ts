import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareWorkspace } from '../../../../../services/cli/demo/workspace';

describe('prepareWorkspace', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'automed-workspace-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('empties what an earlier run left', () => {
    const { store } = prepareWorkspace(folder, undefined);
    writeFileSync(join(store, 'old'), '');
    expect(prepareWorkspace(folder, undefined).store).toBe(store);
    expect(existsSync(join(store, 'old'))).toBe(false);
  });

  it('refuses a folder that holds other files, and leaves them alone', () => {
    const precious = join(folder, 'store');
    writeFileSync(precious, 'mine');
    expect(() => prepareWorkspace(folder, undefined)).toThrow(/choose an empty folder with --out/);
    expect(existsSync(precious)).toBe(true);
  });

  it('refuses a folder in which another demo is at work', () => {
    const { store } = prepareWorkspace(folder, undefined);
    writeFileSync(join(store, 'precious'), '');
    writeFileSync(join(folder, '.automed-demo'), String(process.ppid));
    expect(() => prepareWorkspace(folder, undefined)).toThrow(/another demo \(process \d+\) works in/);
    expect(existsSync(join(store, 'precious'))).toBe(true);
  });

  it('leaves a store that was named by the user as it is', () => {
    const home = mkdtempSync(join(tmpdir(), 'automed-home-'));
    writeFileSync(join(home, 'kept'), '');
    expect(prepareWorkspace(folder, home).store).toBe(home);
    expect(existsSync(join(home, 'kept'))).toBe(true);
    rmSync(home, { recursive: true });
  });
});
