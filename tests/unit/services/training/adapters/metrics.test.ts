import { Telemetry } from '../../../../../services/common/telemetry';
import { observeQueue } from '../../../../../services/training/adapters/metrics';

test('the time that epochs took, and of it what steps waited for samples, is published as counters', async () => {
  const telemetry = new Telemetry('training');
  const epochTime = { total: 0, dataWait: 0 };
  observeQueue(telemetry, { inStates: () => [] }, { running: 2, epochTime });
  epochTime.total += 12.5;
  epochTime.dataWait += 0.25;
  const text = await telemetry.registry.metrics();
  expect(text).toMatch(/^automed_training_epoch_seconds_total\{program="training"\} 12\.5$/m);
  expect(text).toMatch(/^automed_training_data_wait_seconds_total\{program="training"\} 0\.25$/m);
  expect(text).toMatch(/^automed_training_workers\{program="training"\} 2$/m);
});
