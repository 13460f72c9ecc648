import { Presets, SingleBar } from 'cli-progress';
import { duration } from '../common/duration';

/** Where a run stands, after some steps. */
export interface StepView {
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Mean of the epoch so far. */
  loss: number;
  imagesPerSecond: number;
  /** Of the whole run, 0 to 1. */
  progress: number;
  etaSeconds: number;
}

/** What an epoch came to. */
export interface EpochView {
  epoch: number;
  epochs: number;
  trainLoss: number;
  validationLoss: number;
  /** Name of the metric that selects the best epoch, e.g. `mdsc`. */
  metric: string;
  value: number;
  best: number;
  /** Seconds since the run began. */
  elapsedSeconds: number;
}

/** Resolution of the bar. */
const BAR_STEPS = 1000;

/** Between two lines within an epoch, or of a loading, where there is no terminal; milliseconds. */
const LINE_MS = 30_000;

/** Shows a run on a terminal as one bar, elsewhere as one line per epoch, and one now and then in between. */
export class TrainingDisplay {
  private readonly bar: SingleBar | undefined;
  private started = false;
  private held = false;
  private score = '';
  private told: number;

  constructor(
    private readonly title: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = Date.now,
  ) {
    this.told = now();
    if (!stream.isTTY) return;
    this.bar = new SingleBar(
      {
        format: `{title} |{bar}| {percentage} %  {state}`,
        stream,
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        fps: 5,
      },
      Presets.shades_classic,
    );
  }

  /** Reading and preprocessing the images. */
  loading(done: number, total: number): void {
    if (!this.bar && done === total) this.line(`${total} images read`);
    else this.show(done, total, `reading images ${done}/${total}`);
  }

  step({ epoch, epochs, loss, imagesPerSecond, progress, etaSeconds }: StepView): void {
    const state = [
      `epoch ${epoch}/${epochs}`,
      `loss ${loss.toFixed(4)}`,
      ...(this.score === '' ? [] : [this.score]),
      `${imagesPerSecond.toFixed(1)} images/s`,
      `${duration(etaSeconds)} left`,
    ];
    this.show(Math.round(progress * BAR_STEPS), BAR_STEPS, state.join('  '));
  }

  epoch(view: EpochView): void {
    const { epoch, epochs, trainLoss, validationLoss, metric, value, best, elapsedSeconds } = view;
    this.score = `${metric} ${value.toFixed(4)} (best ${best.toFixed(4)})`;
    if (this.bar) return;
    const losses = `loss ${trainLoss.toFixed(4)}, validation ${validationLoss.toFixed(4)}`;
    this.line(`epoch ${epoch}/${epochs}: ${losses}, ${this.score}, ${duration(elapsedSeconds)}`);
  }

  /** A line that stays: a warning, an image that could not be read. */
  note(line: string): void {
    this.close();
    this.line(line);
  }

  /** Shows nothing until goOn(): somebody is asked something. */
  hold(): void {
    this.close();
    this.held = true;
  }

  goOn(): void {
    this.held = false;
  }

  close(): void {
    if (!this.started) return;
    this.bar?.stop();
    this.started = false;
  }

  private line(text: string): void {
    if (this.held) return;
    this.told = this.now();
    this.stream.write(`${this.title}: ${text}\n`);
  }

  private show(done: number, total: number, state: string): void {
    if (this.held) return;
    if (!this.bar) {
      if (this.now() - this.told >= LINE_MS) this.line(state);
      return;
    }
    const payload = { title: this.title, state };
    if (this.started) {
      this.bar.setTotal(total);
      this.bar.update(done, payload);
    } else {
      this.bar.start(total, done, payload);
      this.started = true;
    }
  }
}
