import { Presets, SingleBar } from 'cli-progress';

/** Between two lines where there is no terminal, milliseconds. */
const LINE_MS = 10_000;

/** Counts images: on a terminal in a bar, elsewhere in a line now and then. */
export class CountDisplay {
  private readonly bar: SingleBar | undefined;

  private told: number;

  constructor(
    private readonly title: string,
    private readonly total: number,
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = Date.now,
  ) {
    this.told = now();
    if (!stream.isTTY) return;
    const format = `${title} |{bar}| {value}/{total}`;
    this.bar = new SingleBar(
      { format, stream, barsize: 24, hideCursor: true, clearOnComplete: true },
      Presets.shades_classic,
    );
    this.bar.start(total, 0);
  }

  show(done: number): void {
    this.bar?.update(done);
    if (this.bar || this.now() - this.told < LINE_MS) return;
    this.told = this.now();
    this.stream.write(`${this.title}: ${done} of ${this.total}\n`);
  }

  close(): void {
    this.bar?.stop();
  }
}
