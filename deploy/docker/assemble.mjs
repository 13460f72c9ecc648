// Puts together what an image needs of a finished build:
//
//   node deploy/docker/assemble.mjs gateway|native FOLDER
//
// The image of gateway and bridge gets the files and packages that these two load, the native image all that run.

import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const [image, target] = process.argv.slice(2);
if (!['gateway', 'native'].includes(image) || target === undefined) throw new Error('usage: gateway|native FOLDER');

const manifestOf = (folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));

function copy(path, filter = () => true) {
  mkdirSync(dirname(join(target, path)), { recursive: true });
  cpSync(join(root, path), join(target, path), { recursive: true, filter });
}

/** Compiled files that programs load, their threads' included, and the packages that these name. */
function loadedBy(...programs) {
  const files = new Set();
  const packages = new Set();
  const visit = (file) => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, thread] of text.matchAll(/compiledThread\)?\(["']([^"']+)["']\)/g))
      visit(join('dist/services', thread));
    for (const [, specifier] of text.matchAll(/(?:require|require\.resolve|import)\(["']([^"']+)["']\)/g)) {
      if (specifier.startsWith('node:') || builtinModules.includes(specifier)) continue;
      if (specifier.startsWith('.')) {
        const path = join(dirname(file), specifier);
        visit(
          [path, `${path}.js`, join(path, 'index.js')].find(
            (each) => each.endsWith('.js') && existsSync(join(root, each)),
          ),
        );
      } else {
        packages.add(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      }
    }
  };
  programs.forEach(visit);
  return { files, packages };
}

/** Folders of these packages and of what they need themselves, as npm laid them out. */
function closure(names) {
  const found = new Set();
  const visit = (name, from) => {
    for (let folder = from; ; folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name);
      if (existsSync(join(root, candidate, 'package.json'))) {
        if (found.has(candidate)) return;
        found.add(candidate);
        const { dependencies = {}, optionalDependencies = {} } = manifestOf(candidate);
        for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) visit(each, candidate);
        return;
      }
      if (folder === '.') return; // optional, and of another platform
    }
  };
  for (const name of names) visit(name, '.');
  return [...found].filter((folder) => ![...found].some((other) => folder.startsWith(`${other}/`)));
}

/** Not a package's own sources, nor what its build left: tens of megabytes that nothing loads. */
const runs = (path) => !/better-sqlite3\/(deps|src|build\/(deps|Release\/(obj|.*[.]a$|test_)))/.test(path);

copy('package.json');
copy('LICENSE');
copy('NOTICE');
copy('native/CMakeLists.txt'); // marks the root for the programs
copy('proto', (path) => !path.includes(join('proto', 'gen')));
copy('proto/gen/api.binpb'); // for reflection
copy('dist/console');
cpSync(join(root, 'deploy', 'docker', 'entrypoint.sh'), join(target, 'entrypoint.sh'));

if (image === 'gateway') {
  const { files, packages } = loadedBy('dist/services/gateway/main.js', 'dist/services/pacs/main.js');
  for (const file of files) copy(file);
  for (const folder of closure(packages)) copy(folder, runs);
} else {
  copy('dist/services', (path) => !path.endsWith('.map'));
  copy('dist/native', (path) => !path.endsWith('.map'));
  copy('build/Release/automed.node');
  // Not Python's half, nor what only LibTorch's own tests load.
  copy(
    '.libtorch',
    (path) => !/[.](a|h|py|pyc)$|lib(torch_python|shm|aoti_custom|backend_with|jitbackend|torchbind)/.test(path),
  );
  for (const folder of closure(Object.keys(manifestOf('.').dependencies))) copy(folder, runs);
}
