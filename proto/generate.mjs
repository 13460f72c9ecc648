// Generates the TypeScript types of the protos, and their compiled descriptors for reflection, into proto/gen (git-ignored).
// Skips when nothing changed.
// The options must be those of services/common/grpc/proto.ts, or the types lie about the objects.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const protoRoot = dirname(fileURLToPath(import.meta.url));
const output = join(protoRoot, 'gen');
const stamp = join(output, '.stamp');
const require = createRequire(import.meta.url);
const loader = require.resolve('@grpc/proto-loader/package.json');

const files = ['automed', 'inference']
  .flatMap((folder) =>
    readdirSync(join(protoRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.proto'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  )
  .sort();

const hash = createHash('sha256')
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .update(readFileSync(loader));
for (const file of files) hash.update(file).update(readFileSync(join(protoRoot, file)));
const wanted = hash.digest('hex');

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0);

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const generator = join(dirname(loader), JSON.parse(readFileSync(loader, 'utf8')).bin['proto-loader-gen-types']);
const options = ['--longs=String', '--enums=String', '--defaults', '--oneofs', '--grpcLib=@grpc/grpc-js'];
const buf = join(dirname(require.resolve('@bufbuild/buf/package.json')), 'bin', 'buf');
const descriptors = join(output, 'api.binpb');
const run = spawnSync(
  process.execPath,
  [generator, ...options, `--includeDirs=${protoRoot}`, `--outDir=${output}`, ...files],
  { cwd: protoRoot, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (run.status !== 0) {
  console.error('proto/generate.mjs: proto-loader-gen-types failed');
  process.exit(1);
}
const compile = spawnSync(
  process.execPath,
  [buf, 'build', '--as-file-descriptor-set', '--exclude-source-info', '-o', descriptors],
  { cwd: dirname(protoRoot), stdio: 'inherit' },
);
if (compile.status !== 0) {
  console.error('proto/generate.mjs: buf build failed');
  process.exit(1);
}
// The roots of files without a service import what they do not use, which tsc refuses; nothing needs them.
for (const name of readdirSync(output)) {
  if (name.endsWith('.ts') && !/_service|grpc_predict/.test(name)) rmSync(join(output, name));
}
writeFileSync(stamp, wanted);
console.log(`Generated the types of ${files.length} protos into proto/gen`);
