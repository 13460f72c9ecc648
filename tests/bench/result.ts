import { machine, type Machine } from './machine';

/** What a bench found, and where. */
export type BenchResult = Record<string, unknown> & { machine: Machine };

/** Rounds every number of a document to four significant digits, and what is larger to whole numbers. */
function rounded(document: object): object {
  const round = (value: unknown): unknown =>
    typeof value !== 'number' || Number.isInteger(value) ? value : Number(value.toPrecision(value < 1e4 ? 4 : 15));
  return JSON.parse(JSON.stringify(document, (_, value: unknown) => round(value))) as object;
}

/** Ends a bench: one line of JSON, the last one. @param where described before the bench made its own load */
export function printResult(result: object, where: Machine): void {
  process.stdout.write(`${JSON.stringify(rounded({ ...result, machine: where }))}\n`);
}

export { machine };
