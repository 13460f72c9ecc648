// grpc.reflection.v1 and v1alpha over the descriptors that buf compiled. The package @grpc/reflection, whose protos this
// uses, answers with descriptors that protobufjs makes up from what it kept: without dependencies and with renamed fields,
// which other languages' clients refuse to link.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { status as Code } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Reader } from 'protobufjs';
import { FileDescriptorProto, type IDescriptorProto, type IFileDescriptorProto } from 'protobufjs/ext/descriptor';
import type { Logger } from '../logging';
import { bidi, wellFormed, type ServiceRegistration } from './handlers';
import { answerInOrder } from './ordered-stream';

const VERSIONS = ['v1', 'v1alpha'] as const;
const FILE_FIELD = (1 << 3) | 2;

interface DescribedFile {
  bytes: Uint8Array;
  dependencies: readonly string[];
}

interface ReflectionRequest {
  host: string;
  messageRequest?: string;
  fileByFilename?: string;
  fileContainingSymbol?: string;
}

/** The files of a compiled FileDescriptorSet, by name and by what they declare. */
export class Descriptors {
  private readonly files = new Map<string, DescribedFile>();
  private readonly symbols = new Map<string, string>();

  constructor(set: Uint8Array) {
    const reader = Reader.create(set);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      // The bytes are passed on as compiled; decoding and encoding again would drop what this decoder does not know.
      if (tag === FILE_FIELD) this.add(reader.bytes());
      else reader.skipType(tag & 7);
    }
  }

  /** The file with everything it imports, as compiled; undefined when it is not known. */
  withImports(name: string | undefined): Uint8Array[] | undefined {
    if (name === undefined || !this.files.has(name)) return undefined;
    const names = new Set([name]);
    // A set is walked in the order of insertion, and what is added on the way is still visited.
    for (const each of names) this.files.get(each)?.dependencies.forEach((dependency) => names.add(dependency));
    return [...names].flatMap((each) => this.files.get(each)?.bytes ?? []);
  }

  /** Name of the file that declares a service, method, message or enum. */
  fileOf(symbol: string): string | undefined {
    return this.symbols.get(symbol) ?? this.symbols.get(symbol.slice(0, symbol.lastIndexOf('.')));
  }

  private add(bytes: Uint8Array): void {
    // The library's types say Message where its decoder answers with the fields.
    const file = FileDescriptorProto.decode(bytes) as unknown as IFileDescriptorProto;
    const name = file.name ?? '';
    this.files.set(name, { bytes, dependencies: (file.dependency as readonly string[] | undefined) ?? [] });
    const scope = file.package ? `${file.package}.` : '';
    const declare = (prefix: string, messages: readonly IDescriptorProto[]): void => {
      for (const message of messages) {
        this.symbols.set(prefix + (message.name ?? ''), name);
        declare(`${prefix}${message.name}.`, message.nestedType ?? []);
      }
    };
    declare(scope, file.messageType ?? []);
    for (const { name: own } of [...(file.enumType ?? []), ...(file.service ?? [])])
      this.symbols.set(`${scope}${own}`, name);
  }
}

/** Reflection for the named services. */
export function reflection(descriptors: Descriptors, services: readonly string[], log: Logger): ServiceRegistration[] {
  const answer = (request: ReflectionRequest): object => {
    const echoed = { validHost: request.host, originalRequest: request };
    const files = (found: Uint8Array[] | undefined, what: string): object =>
      found
        ? { ...echoed, fileDescriptorResponse: { fileDescriptorProto: found } }
        : { ...echoed, errorResponse: { errorCode: Code.NOT_FOUND, errorMessage: `${what} is not known.` } };
    switch (request.messageRequest) {
      case 'listServices':
        return { ...echoed, listServicesResponse: { service: services.map((name) => ({ name })) } };
      case 'fileByFilename':
        return files(descriptors.withImports(request.fileByFilename), request.fileByFilename ?? '');
      case 'fileContainingSymbol': {
        const symbol = request.fileContainingSymbol ?? '';
        return files(descriptors.withImports(descriptors.fileOf(symbol)), symbol);
      }
      default:
        return { ...echoed, errorResponse: { errorCode: Code.NOT_FOUND, errorMessage: 'There are no extensions.' } };
    }
  };
  const ServerReflectionInfo = bidi<ReflectionRequest, object>(log, (call, context) =>
    answerInOrder(call, 1, context.signal, (request) => Promise.resolve(answer(wellFormed(request)))),
  );
  return VERSIONS.map((version) => {
    const name = `grpc.reflection.${version}.ServerReflection`;
    return { name, definition: reflectionDefinition(version, name), implementation: { ServerReflectionInfo } };
  });
}

/** The FileDescriptorSet that proto/generate.mjs compiled. */
export function compiledDescriptors(protoRoot: string): Buffer {
  const path = join(protoRoot, 'gen', 'api.binpb');
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error('proto/gen/api.binpb is missing; run `npm run build`', { cause });
  }
}

function reflectionDefinition(version: string, name: string): ServiceRegistration['definition'] {
  const folder = join(dirname(require.resolve('@grpc/reflection/package.json')), 'build', 'proto');
  const loaded = loadSync(`grpc/reflection/${version}/reflection.proto`, {
    includeDirs: [folder],
    keepCase: false,
    longs: String,
    oneofs: true,
  });
  return loaded[name] as ServiceRegistration['definition'];
}
