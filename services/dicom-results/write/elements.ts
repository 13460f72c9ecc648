// Data elements in Explicit VR Little Endian (PS3.5 7.1.2), items and sequences with explicit lengths.

/** Text (values divided by backslashes), numbers of the VR, bytes, or the items of a sequence. */
export type ElementValue = string | readonly number[] | Uint8Array | readonly Elements[];

/** By tag, eight lower-case hexadecimal digits. */
export type Elements = Readonly<Record<string, readonly [vr: string, value: ElementValue]>>;

/** VRs whose length takes 32 bits. */
const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const MAX_SHORT = 0xfffe;

/** Bytes of a number, and how it is written. */
const NUMBERS: Readonly<
  Record<string, readonly [bytes: number, write: (to: Buffer, value: number, at: number) => number]>
> = {
  US: [2, (to, value, at) => to.writeUInt16LE(value, at)],
  SS: [2, (to, value, at) => to.writeInt16LE(value, at)],
  UL: [4, (to, value, at) => to.writeUInt32LE(value, at)],
  SL: [4, (to, value, at) => to.writeInt32LE(value, at)],
  FL: [4, (to, value, at) => to.writeFloatLE(value, at)],
  FD: [8, (to, value, at) => to.writeDoubleLE(value, at)],
  /** Pairs of group and element. */
  AT: [2, (to, value, at) => to.writeUInt16LE(value, at)],
};

function tagBytes(tag: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(parseInt(tag.slice(4), 16), 2);
  return bytes;
}

const length32 = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
};

const ITEM = tagBytes('fffee000');
const isText = (value: ElementValue): value is string => typeof value === 'string';
const isNumbers = (value: readonly number[] | readonly Elements[]): value is readonly number[] =>
  typeof value[0] === 'number';

/** @throws Error for text beside ASCII and numbers of a VR that has none: a mistake of the caller */
function valueBytes(vr: string, value: ElementValue): Buffer {
  if (isText(value)) {
    // What the source's own character set would read otherwise never gets here: its text is carried as bytes.
    if (/[^\x20-\x7e\n\r\t]/.test(value)) throw new Error('text of a result must be ASCII');
    return padded(Buffer.from(value, 'latin1'), vr);
  }
  if (value instanceof Uint8Array) return padded(Buffer.from(value.buffer, value.byteOffset, value.byteLength), vr);
  if (!isNumbers(value)) {
    return Buffer.concat(
      value.flatMap((item) => {
        const bytes = encodeElements(item);
        return [ITEM, length32(bytes.length), bytes];
      }),
    );
  }
  const [size, write] = NUMBERS[vr] ?? [0, undefined];
  if (!write) throw new Error(`numbers have no place in ${vr}`);
  const bytes = Buffer.alloc(size * value.length);
  value.forEach((one, at) => write(bytes, one, at * size));
  return bytes;
}

/** Values have an even length: UIDs and bytes end in a zero, other text in a blank. */
function padded(bytes: Buffer, vr: string): Buffer {
  if (bytes.length % 2 === 0) return bytes;
  return Buffer.concat([bytes, Buffer.from([vr === 'UI' || vr.startsWith('O') || vr === 'UN' ? 0 : 0x20])]);
}

/** @throws Error for a value that is too long for its VR */
export function encodeElements(elements: Elements): Buffer {
  const parts = Object.entries(elements)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([tag, [vr, value]]) => {
      const bytes = valueBytes(vr, value);
      if (LONG.has(vr)) return [tagBytes(tag), Buffer.from(`${vr}\0\0`, 'latin1'), length32(bytes.length), bytes];
      if (bytes.length > MAX_SHORT) throw new Error(`the value of ${tag} is too long for ${vr}`);
      return [tagBytes(tag), Buffer.from(vr, 'latin1'), length32(bytes.length).subarray(0, 2), bytes];
    });
  return Buffer.concat(parts);
}

/** An item of a code sequence (PS3.3 table 8.8-1). */
export function codeItem({ value, scheme, meaning }: { value: string; scheme: string; meaning: string }): Elements {
  return { '00080100': ['SH', value], '00080102': ['SH', scheme], '00080104': ['LO', meaning] };
}
