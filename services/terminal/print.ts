/** The answer of a command: standard output. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The one JSON document of a command with --json. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** What went wrong, or how it is going: standard error. */
export function printProblem(line: string): void {
  process.stderr.write(`automed: ${line}\n`);
}

export function printNote(line: string): void {
  process.stderr.write(`${line}\n`);
}
