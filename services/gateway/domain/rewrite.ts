// Changes to serialised messages without decoding them: of a field that is there twice the last one counts.

const VARINT = 0;
const TEXT = 2;

/** The message, naming this model in field 1. */
export function withModelField(message: Buffer, model: string): Buffer {
  const text = Buffer.from(model);
  return Buffer.concat([message, varint((1 << 3) | TEXT), varint(text.length), text]);
}

/** The message with an int32 in this field. */
export function withNumberField(message: Buffer, field: number, value: number): Buffer {
  return Buffer.concat([message, varint((field << 3) | VARINT), varint(value)]);
}

/** A negative number has ten bytes, as of an int64. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}
