import { Presets, SingleBar } from 'cli-progress';

/** Counts images on a terminal; elsewhere it says nothing. */
export class CountDisplay {
  private readonly bar: SingleBar | undefined;

  constructor(title: string, total: number, stream: NodeJS.WriteStream = process.stderr) {
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
  }

  close(): void {
    this.bar?.stop();
  }
}
