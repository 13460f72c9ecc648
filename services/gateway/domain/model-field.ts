import { automedError } from '../../common/errors';

/** Fields looked at before the message is refused; the API's largest request has 1024 points, each a field. */
const MAX_FIELDS = 2048;
/** `name@alias` at its longest, with room. */
const MAX_MODEL_BYTES = 256;
const TEXT = 2;

/**
 * The string in field 1 of a serialised message, by the convention of the API the model that the request addresses;
 * empty when there is none. Steps from tag to tag without decoding and without copying what lies between.
 * @throws InvalidInputError when the bytes are no message
 */
export function readModelField(message: Uint8Array): string {
  // As a decoder has it, the last one counts.
  return readNames(message, [1]).at(-1) ?? '';
}

/**
 * The strings in these fields of a serialised message, in their order there.
 * @throws InvalidInputError when the bytes are no message
 */
export function readNames(message: Uint8Array, numbers: readonly number[]): string[] {
  const names: string[] = [];
  let offset = 0;
  for (let fields = 0; offset < message.length; fields += 1) {
    if (fields === MAX_FIELDS) throw malformed(`has more than ${MAX_FIELDS} fields`);
    const tag = readVarint32(message, offset);
    const field = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    if (field === 0) throw malformed('has a field number of 0');
    const end = fieldEnd(message, tag.end, wireType);
    if (numbers.includes(field)) {
      // A decoder takes a field's type from its number alone, and would read another text than lies here.
      if (wireType !== TEXT) throw malformed(`has field ${field} with wire type ${wireType}`);
      names.push(readText(message, readVarint32(message, tag.end).end, end));
    }
    offset = end;
  }
  return names;
}

/** The number in this field of a serialised message, 0 without it; a negative one is some number of its own. */
export function readPriority(message: Uint8Array, number: number): number {
  let found = 0;
  let offset = 0;
  for (let fields = 0; number > 0 && offset < message.length && fields < MAX_FIELDS; fields += 1) {
    const tag = readVarint(message, offset);
    const wireType = tag.value % 8;
    if (wireType === 0 && Math.floor(tag.value / 8) === number) found = readVarint(message, tag.end).value;
    offset = fieldEnd(message, tag.end, wireType);
  }
  return found;
}

/** Whether a serialised message has this field; never for the number 0. */
export function hasField(message: Uint8Array, number: number): boolean {
  let offset = 0;
  for (let fields = 0; number > 0 && offset < message.length && fields < MAX_FIELDS; fields += 1) {
    const tag = readVarint(message, offset);
    if (Math.floor(tag.value / 8) === number) return true;
    offset = fieldEnd(message, tag.end, tag.value % 8);
  }
  return false;
}

function readText(message: Uint8Array, start: number, end: number): string {
  if (end - start > MAX_MODEL_BYTES) {
    const text = `The model's name has ${end - start} bytes; at most ${MAX_MODEL_BYTES} are accepted.`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'model' });
  }
  return Buffer.from(message.buffer, message.byteOffset + start, end - start).toString('utf8');
}

/** Offset behind the field whose value begins at `offset`. */
function fieldEnd(message: Uint8Array, offset: number, wireType: number): number {
  let end: number;
  if (wireType === 0) end = readVarint(message, offset).end;
  else if (wireType === 1) end = offset + 8;
  else if (wireType === 5) end = offset + 4;
  else if (wireType === 2) {
    const length = readVarint32(message, offset);
    end = length.end + length.value;
  } else throw malformed(`has a field of wire type ${wireType}`);
  if (end > message.length) throw malformed('is cut short');
  return end;
}

/** A tag or a length, which decoders read as 32 bits. */
function readVarint32(message: Uint8Array, offset: number): { value: number; end: number } {
  const read = readVarint(message, offset);
  if (read.end - offset > 5 || read.value >= 2 ** 32) throw malformed('has a tag or a length of more than 32 bits');
  return read;
}

/** Numbers beyond 2^53 lose precision, and are past the end of any message. */
function readVarint(message: Uint8Array, offset: number): { value: number; end: number } {
  let value = 0;
  let factor = 1;
  for (let at = offset; at < offset + 10; at += 1) {
    const byte = message[at];
    if (byte === undefined) throw malformed('is cut short');
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + 1 };
    factor *= 128;
  }
  throw malformed('has a number of more than 10 bytes');
}

/**
 * Refuses a message in which the backends' decoder finds other models than the ones read here: a decoder takes a field's type
 * from its number alone, so that a crafted message can have it read on from another place.
 * @param read what the decoder finds, in the same order
 * @throws InvalidInputError
 */
export function requireSameNames(names: readonly string[], read: readonly string[]): void {
  const same = names.length === read.length && names.every((name, at) => name === read[at]);
  if (!same) throw malformed('names different models to different readers');
}

export function malformed(how: string): Error {
  return automedError('INVALID_ARGUMENT', `The request cannot be read: it is no message, for it ${how}.`);
}
