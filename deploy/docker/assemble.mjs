// Puts together what an image needs of a finished build:
//
//   node deploy/docker/assemble.mjs gateway|native FOLDER
//
// The gateway gets the packages that its own files load, the native image all that run.

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

/** Compiled files that a program loads, and the packages that they name. */
function loadedBy(main) {
  const files = new Set();
  const packages = new Set();
  const visit = (file) => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, specifier] of readFileSync(join(root, file), 'utf8').matchAll(
      /(?:require|require\.resolve|import)\(["']([^"']+)["']\)/g,
    )) {
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
  visit(main);
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

copy('package.json');
copy('LICENSE');
copy('NOTICE');
copy('native/CMakeLists.txt'); // marks the root for the programs
copy('proto', (path) => !path.includes(join('proto', 'gen')));
copy('proto/gen/api.binpb'); // for reflection
copy('dist/console');
cpSync(join(root, 'deploy', 'docker', 'entrypoint.sh'), join(target, 'entrypoint.sh'));

if (image === 'gateway') {
  const { files, packages } = loadedBy('dist/services/gateway/main.js');
  for (const file of files) copy(file);
  for (const folder of closure(packages)) copy(folder);
} else {
  copy('dist/services');
  copy('dist/native');
  copy('build/Release/automed.node');
  // Not Python's half, nor what only LibTorch's own tests load.
  copy(
    '.libtorch',
    (path) => !/[.](a|h|py|pyc)$|lib(torch_python|shm|aoti_custom|backend_with|jitbackend|torchbind)/.test(path),
  );
  for (const folder of closure(Object.keys(manifestOf('.').dependencies))) copy(folder);
}
