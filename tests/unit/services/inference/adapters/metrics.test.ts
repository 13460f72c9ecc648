import { observeEngine } from '../../../../../services/inference/adapters/metrics';
import { Telemetry } from '../../../../../services/common/telemetry';

const counts = {
  queuedImages: 3,
  runningImages: 1,
  completedRequests: 10,
  refusedRequests: 2,
  cancelledRequests: 0,
  expiredRequests: 4,
  failedRequests: 5,
  batches: 6,
  batchedImages: 7,
  encodedImages: 8,
  computeSeconds: 100,
  wastedBeforeSeconds: 1.5,
  wastedAfterSeconds: 0.25,
  imageTimeMs: 250,
  cachedEmbeddings: 9,
  cachedBytes: 4096,
  cacheHits: 12,
  cacheMisses: 13,
  cacheEvictions: 1,
  cacheExpirations: 2,
  deviceAllocatedBytes: null as number | null,
  deviceReservedBytes: null as number | null,
};

test('serves what the engine counts at the time of the scrape', async () => {
  const telemetry = new Telemetry('test');
  let now = counts;
  observeEngine(telemetry, () => now);
  const address = await telemetry.listen('127.0.0.1:0');
  const scrape = async (): Promise<string> => (await fetch(`http://${address}/metrics`)).text();
  expect(await scrape()).toContain('automed_engine_requests_total{outcome="completed",program="test"} 10');
  expect(await scrape()).not.toContain('automed_device_memory_bytes{');
  now = { ...counts, completedRequests: 11, queuedImages: 0, deviceAllocatedBytes: 5, deviceReservedBytes: 6 };
  const text = await scrape();
  expect(text).toContain('automed_engine_requests_total{outcome="completed",program="test"} 11');
  expect(text).toContain('automed_engine_queued_images{program="test"} 0');
  expect(text).toContain('automed_engine_image_seconds{program="test"} 0.25');
  expect(text).toContain('automed_compute_seconds_total{program="test"} 100');
  expect(text).toContain('automed_wasted_compute_seconds_total{spent="before",program="test"} 1.5');
  expect(text).toContain('automed_wasted_compute_seconds_total{spent="after",program="test"} 0.25');
  expect(text).toContain('automed_device_memory_bytes{state="reserved",program="test"} 6');
  expect(text).toContain('automed_embedding_cache_bytes{program="test"} 4096');
  expect(text).toContain('automed_embedding_cache_hits_total{program="test"} 12');
  expect((await fetch(`http://${address}/`)).status).toBe(404);
  await telemetry.close();
});
