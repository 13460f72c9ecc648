// A temporary folder of its own for each run of jest, so that nothing is left of a run whose tests failed or were ended, nor of
// a program that wrote once more after its test had removed its folder.

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/** Before all tests: workers and the programs that they start inherit the variable. */
module.exports = function begin() {
  const outer = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'automed-jest-'));
  process.env.TMPDIR = folder;
  globalThis.automedEndOfRun = () => {
    if (outer === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = outer;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
};
