import { PassThrough } from 'node:stream';
import { CountDisplay } from '../../../../services/terminal/count-display';
import { TrainingDisplay } from '../../../../services/terminal/training-display';

function collect(): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = new PassThrough();
  let written = '';
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => written };
}

it('the display counts in a line now and then where there is no terminal', () => {
  const { stream, text } = collect();
  let time = 0;
  const display = new CountDisplay('reading', 400, stream, () => time);
  for (let done = 1; done <= 250; done += 1) {
    time += 100;
    display.show(done);
  }
  display.close();
  expect(text()).toBe('reading: 100 of 400\nreading: 200 of 400\n');
});

it('the display says where a long epoch stands where there is no terminal', () => {
  const { stream, text } = collect();
  let time = 0;
  const display = new TrainingDisplay('polyp', stream, () => time);
  for (let step = 1; step <= 8; step += 1) {
    time += 10_000;
    display.step({ epoch: 1, epochs: 2, loss: 0.5, imagesPerSecond: 2, progress: step / 100, etaSeconds: 60 });
  }
  const lines = text().trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^polyp: epoch 1\/2 {2}loss 0\.5000 .*left$/);
});
