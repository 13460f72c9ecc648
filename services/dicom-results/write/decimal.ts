// Numbers as DICOM's decimal strings (DS): at most 16 characters, which printing a double does not keep to.

const MAX_LENGTH = 16;
/** Below it is what arithmetic leaves where nothing should be: of directions and positions in mm nothing is that small. */
const RESIDUE = 1e-10;

/** The shortest texts of one number, the most exact first. */
function* candidates(value: number): Generator<string> {
  yield String(value);
  for (let digits = 17; digits >= 1; digits -= 1) {
    yield String(Number(value.toPrecision(digits)));
    yield Number(value.toPrecision(digits)).toExponential();
  }
}

/**
 * The text of at most 16 characters that reads back nearest.
 * @throws RangeError for NaN and Inf
 */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError('NaN and Inf have no decimal string');
  if (Math.abs(value) < RESIDUE) return '0';
  let best = '0';
  for (const text of candidates(value)) {
    if (text.length > MAX_LENGTH) continue;
    if (Math.abs(Number(text) - value) < Math.abs(Number(best) - value)) best = text;
    if (Number(best) === value) break;
  }
  return best;
}

/** Values of one element. */
export const decimals = (values: readonly number[]): string => values.map(decimal).join('\\');
