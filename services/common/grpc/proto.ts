import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

// proto/generate.mjs makes the types with the same options.
const OPTIONS = { keepCase: false, longs: String, enums: String, defaults: true, oneofs: true } as const;

let loaded: PackageDefinition | undefined;

/** Every proto under proto/automed, read once. */
export function api(): PackageDefinition {
  if (!loaded) {
    const root = protoRoot();
    const files = readdirSync(join(root, 'automed'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.proto'))
      .map((name) => join('automed', name))
      .sort();
    loaded = loadSync(files, { ...OPTIONS, includeDirs: [root] });
  }
  return loaded;
}

/** The Open Inference Protocol's service, which is no part of the API: others publish it. */
export function openInferenceDefinition<D extends ServiceDefinition>(): D {
  const files = loadSync('inference/grpc_predict_v2.proto', { ...OPTIONS, includeDirs: [protoRoot()] });
  return files['inference.GRPCInferenceService'] as unknown as D;
}

/** Full names of the services of the API. */
export function serviceNames(): string[] {
  return Object.entries(api())
    .filter(([, definition]) => !('format' in definition))
    .map(([name]) => name);
}

/** The definition of a service, by its full name. */
export function serviceDefinition<D extends ServiceDefinition>(name: string): D {
  const definition = api()[name];
  if (!definition || 'format' in definition) throw new Error(`no service ${name} in the protos`);
  return definition as unknown as D;
}

/** The protos lie beside package.json, from services/common/grpc as well as from its compiled copy under dist/. */
export function protoRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('automed: package.json not found above services/common');
    folder = parent;
  }
  return join(folder, 'proto');
}
