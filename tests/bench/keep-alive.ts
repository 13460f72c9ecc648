/** Runs a bench to its end: the programs that it starts do not keep a process alive by themselves. */
export function bench(main: () => Promise<void>): void {
  const alive = setInterval(() => undefined, 1_000_000);
  main()
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = 1;
    })
    .finally(() => clearInterval(alive));
}
