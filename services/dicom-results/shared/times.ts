import type { CarriedElements } from '../source/carried';

const two = (value: number): string => String(value).padStart(2, '0');

/** Minutes east of UTC that the source's times are of, where it says so. */
function offsetOf(carried: CarriedElements): number | undefined {
  const value = carried['00080201']?.[1];
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : '';
  const found = /^([+-])(\d\d)(\d\d)/.exec(text.trim());
  if (!found) return undefined;
  const minutes = Number(found[2]) * 60 + Number(found[3]);
  return found[1] === '-' ? -minutes : minutes;
}

/** Date (DA) and time (TM) in the source's time zone, or else in that of this program. */
export function dateAndTime(created: Date, carried: CarriedElements): { date: string; time: string } {
  const offset = offsetOf(carried) ?? -created.getTimezoneOffset();
  const local = new Date(created.getTime() + offset * 60_000);
  return {
    date: `${local.getUTCFullYear()}${two(local.getUTCMonth() + 1)}${two(local.getUTCDate())}`,
    time: `${two(local.getUTCHours())}${two(local.getUTCMinutes())}${two(local.getUTCSeconds())}`,
  };
}
