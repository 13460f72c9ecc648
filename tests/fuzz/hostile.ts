// Hostile bytes for any method, repeatable by a seed: noise, messages of the right type with extreme values, damaged images.

import { create, ScalarType, toBinary, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';

type Random = () => number;

const MAX_DEPTH = 4;
const TEXTS = [
  '',
  'tiny',
  'polyp',
  'polyp@1',
  'polyp@production',
  '@',
  'polyp@-1',
  `polyp@${'9'.repeat(40)}`,
  '../../nowhere',
  'nul\0nul',
  'Ünïcødé \u{1F9EC} \uFFFD',
  'x'.repeat(20_000),
];
const NUMBERS = [0, 1, -1, 2, 255, 65_536, 2 ** 31 - 1, -(2 ** 31)];
const REALS = [0, -0, 1, -1, 0.5, 1e-45, 3.4e38, -3.4e38, NaN, Infinity, -Infinity];
const LONGS = [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

export function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
}

/** A file with some bytes changed, cut or doubled. */
export function damaged(random: Random, file: Buffer): Buffer {
  const copy = Buffer.from(file);
  for (let change = 0; change < 1 + random() * 12; change += 1)
    copy[Math.floor(random() ** 2 * copy.length)] = pick(random, [0, 255, 127, 128, Math.floor(random() * 256)]);
  const at = Math.floor(random() * copy.length);
  if (random() < 0.2) return copy.subarray(0, at);
  return random() < 0.1 ? Buffer.concat([copy.subarray(0, at), copy]) : copy;
}

/** A message of the right type, each of its fields absent or extreme. @param images files that bytes are made of */
export function extreme(random: Random, type: DescMessage, images: readonly Buffer[]): Buffer {
  return Buffer.from(toBinary(type, message(random, type, images, 0)));
}

/** A request that could be answered, but for a damaged image and the odd extreme field. @param model that the method knows */
export function damagedImage(random: Random, type: DescMessage, files: readonly Buffer[], model: string): Buffer {
  const made = create(type);
  const face = reflect(type, made);
  for (const field of type.fields) {
    if (field.name === 'model') face.set(field, model);
    else if (field.name === 'image' && field.message) {
      const image = reflect(field.message);
      image.set(field.message.field.encoded as DescField, damaged(random, pick(random, files)));
      face.set(field, image);
    } else if (random() < 0.05) setField(random, face, field, files, MAX_DEPTH - 1);
  }
  return Buffer.from(toBinary(type, made));
}

function message(random: Random, type: DescMessage, images: readonly Buffer[], depth: number): Message {
  const made = create(type);
  const face = reflect(type, made);
  for (const field of type.fields) if (random() < 0.6) setField(random, face, field, images, depth);
  return made;
}

function setField(
  random: Random,
  face: ReflectMessage,
  field: DescField,
  images: readonly Buffer[],
  depth: number,
): void {
  const single = (kind: 'message' | 'enum' | 'scalar', scalar?: ScalarType, type?: DescMessage): unknown => {
    if (kind === 'message') return type && reflect(type, message(random, type, images, depth + 1));
    return kind === 'enum' ? pick(random, [0, 1, 2, 3, 99]) : scalarValue(random, scalar ?? ScalarType.STRING, images);
  };
  if (depth >= MAX_DEPTH && (field.message !== undefined || field.fieldKind === 'map')) return;
  if (field.fieldKind === 'map') return;
  if (field.fieldKind === 'list') {
    const list = face.get(field);
    for (let count = Math.floor(random() * 4); count > 0; count -= 1)
      list.add(single(field.listKind, field.scalar, field.message));
    return;
  }
  face.set(field, single(field.fieldKind, field.scalar, field.message));
}

function scalarValue(random: Random, type: ScalarType, images: readonly Buffer[]): unknown {
  switch (type) {
    case ScalarType.STRING:
      return pick(random, TEXTS);
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.BYTES:
      return random() < 0.3 ? noise(random) : damaged(random, pick(random, images));
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return pick(random, REALS);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return pick(random, LONGS);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return BigInt.asUintN(64, pick(random, LONGS));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return pick(random, NUMBERS) >>> 0;
    default:
      return pick(random, NUMBERS);
  }
}
