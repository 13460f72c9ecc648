// kernel.wat for Jest: the module's bytes, assembled by wabt's own program, since a transform cannot wait for its library.

const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const WAT2WASM = require.resolve('wabt/bin/wat2wasm');

module.exports = {
  process(_source, path) {
    const folder = mkdtempSync(join(tmpdir(), 'automed-wat-'));
    try {
      const output = join(folder, 'module.wasm');
      execFileSync(process.execPath, [WAT2WASM, path, '--output', output]);
      const bytes = readFileSync(output).toString('base64');
      return {
        code: `exports.bytes = new Uint8Array(Buffer.from('${bytes}', 'base64'));`,
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
