import { PassThrough } from 'node:stream';
import { TrainingDisplay } from '../../../../services/terminal/training-display';
import { displayEvents } from '../../../../services/terminal/display-events';

function collect(): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => chunks.join('') };
}

describe('TrainingDisplay, where there is no terminal', () => {
  it('writes one line per epoch and none per step', () => {
    const { stream, text } = collect();
    const show = displayEvents(new TrainingDisplay('polyp', stream), 'mdsc');
    show({ preparation: { doneCount: 1, totalCount: 2 } });
    show({ preparation: { doneCount: 2, totalCount: 2 } });
    const start = { trainCount: 80, validationCount: 20, testCount: 0, skippedCount: 1, classes: [], firstEpoch: 1 };
    show({ start: { ...start, trainableParameterCount: '3800000', epochCount: 2 } });
    for (const [epoch, score] of [
      [1, 0.5],
      [2, 0.25],
    ] as const) {
      show({ step: { epoch, step: 10 * epoch, loss: 1, imagesPerSecond: 20, progress: 0.5, etaSeconds: 9 } });
      const metrics = { epoch, trainLoss: 0.5, validationLoss: 0.25, learningRate: 1e-3, score, structures: [] };
      show({ epoch: { metrics, best: epoch === 1, seconds: 3, dataWaitSeconds: 0 } });
    }
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('polyp: 2 images read');
    expect(lines[1]).toBe('polyp: 80 images, 20 for validation, 1 file left out, 3.8 M parameters to train');
    expect(lines[2]).toMatch(
      /^polyp: epoch 1\/2: loss 0\.5000, validation 0\.2500, mdsc 0\.5000 \(best 0\.5000\), \d+ s$/,
    );
    expect(lines[3]).toContain('mdsc 0.2500 (best 0.5000)');
  });
});

describe('TrainingDisplay, on a terminal', () => {
  it('shows loss, metric, speed and time left in a bar', () => {
    const { stream, text } = collect();
    Object.assign(stream, { isTTY: true, columns: 200, cursorTo: () => true, clearLine: () => true });
    const display = new TrainingDisplay('polyp', stream);
    display.epoch({
      epoch: 1,
      epochs: 3,
      trainLoss: 1,
      validationLoss: 1,
      metric: 'mdsc',
      value: 0.5,
      best: 0.5,
      elapsedSeconds: 3,
    });
    display.step({ epoch: 2, epochs: 3, loss: 0.75, imagesPerSecond: 21.5, progress: 0.4, etaSeconds: 130 });
    display.close();
    expect(text()).toContain('epoch 2/3  loss 0.7500  mdsc 0.5000 (best 0.5000)  21.5 images/s  2 min 10 s left');
  });
});
