import { automedError } from '../../common/errors';

/** Fields looked at before the message is refused; the API's largest request has 1024 points, each a field. */
const MAX_FIELDS = 2048;
/** `name@alias` at its longest, with room. */
const MAX_MODEL_BYTES = 256;

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
    const tag = readVarint(message, offset);
    const field = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    if (field === 0) throw malformed('has a field number of 0');
    const end = fieldEnd(message, tag.end, wireType);
    if (wireType === 2 && numbers.includes(field)) names.push(readText(message, readVarint(message, tag.end).end, end));
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
    const length = readVarint(message, offset);
    end = length.end + length.value;
  } else throw malformed(`has a field of wire type ${wireType}`);
  if (end > message.length) throw malformed('is cut short');
  return end;
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

function malformed(how: string): Error {
  return automedError('INVALID_ARGUMENT', `The request cannot be read: it is no message, for it ${how}.`);
}
