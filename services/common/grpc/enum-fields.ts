// proto-loader hands an enum's number that it has no name for to the handler as a number. This finds such numbers in requests.

import { Reader, util } from 'protobufjs';
import { FileDescriptorProto, type IDescriptorProto, type IFileDescriptorProto } from 'protobufjs/ext/descriptor';

/** A number that its enum does not have. */
export interface UnknownEnum {
  /** Path of the field in the spelling of the protos, e.g. `spec.overrides.schedule` or `points[2].label`. */
  readonly field: string;
  readonly number: number;
}

interface FieldPlan {
  readonly name: string;
  /** Name of the property in TypeScript. */
  readonly key: string;
  /** Full name of the message that it holds; absent for an enum. */
  readonly message?: string;
}

const FILE_FIELD = (1 << 3) | 2;
// google.protobuf.FieldDescriptorProto.Type
const TYPE_MESSAGE = 11;
const TYPE_ENUM = 14;

/** The enum fields of every request, by the path of its method. */
export class EnumFields {
  private readonly messages = new Map<string, readonly FieldPlan[]>();
  private readonly requests = new Map<string, string>();

  /** @param set a compiled FileDescriptorSet */
  constructor(set: Uint8Array) {
    const reader = Reader.create(set);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === FILE_FIELD) this.add(FileDescriptorProto.decode(reader.bytes()) as unknown as IFileDescriptorProto);
      else reader.skipType(tag & 7);
    }
  }

  /** @param path of the method, e.g. `/automed.models.v1.ModelService/ListModels`; of an unknown one nothing is found */
  findUnknown(path: string, request: unknown): UnknownEnum | undefined {
    const type = this.requests.get(path);
    return type === undefined ? undefined : this.inMessage(type, request, '');
  }

  private inMessage(type: string, message: unknown, at: string): UnknownEnum | undefined {
    for (const field of this.messages.get(type) ?? []) {
      const value = (message as Record<string, unknown> | null | undefined)?.[field.key];
      const path = at + field.name;
      const found = Array.isArray(value)
        ? firstOf(value, (each, index) => this.inField(field, each, `${path}[${index}]`))
        : this.inField(field, value, path);
      if (found) return found;
    }
    return undefined;
  }

  private inField({ message }: FieldPlan, value: unknown, path: string): UnknownEnum | undefined {
    if (message !== undefined) return this.inMessage(message, value, `${path}.`);
    return typeof value === 'number' ? { field: path, number: value } : undefined;
  }

  private add({ package: scope = '', messageType = [], service = [] }: IFileDescriptorProto): void {
    this.addMessages(`.${scope}`, messageType);
    for (const { name, method = [] } of service) {
      for (const { name: own, inputType = '' } of method) this.requests.set(`/${scope}.${name}/${own}`, inputType);
    }
  }

  private addMessages(scope: string, messages: readonly IDescriptorProto[]): void {
    for (const { name, field = [], nestedType = [] } of messages) {
      const plans = field.flatMap(({ name: own = '', type, typeName = '' }): FieldPlan[] => {
        const plan = { name: own, key: util.camelCase(own) };
        if (Number(type) === TYPE_ENUM) return [plan];
        return Number(type) === TYPE_MESSAGE ? [{ ...plan, message: typeName }] : [];
      });
      this.messages.set(`${scope}.${name}`, plans);
      this.addMessages(`${scope}.${name}`, nestedType);
    }
  }
}

function firstOf<T, R>(values: readonly T[], find: (value: T, index: number) => R | undefined): R | undefined {
  for (const [index, value] of values.entries()) {
    const found = find(value, index);
    if (found !== undefined) return found;
  }
  return undefined;
}
