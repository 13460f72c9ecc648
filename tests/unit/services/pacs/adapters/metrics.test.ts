import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Telemetry } from '../../../../../services/common/telemetry';
import { openJournal } from '../../../../../services/pacs/adapters/journal/journal';
import { observeJournal, PacsMetrics } from '../../../../../services/pacs/adapters/metrics';
import { readSite } from '../../../../../services/pacs-site/read-site';
import { arrival } from '../../../../support/pacs-arrival';

const SITE = readSite(
  `{ ae_title: A, destinations: { a: { kind: folder, path: /a } },
     rules: [{ name: r, task: segmentation, model: m, results: [SEG], send_to: a }] }`,
  'pacs.yaml',
);
const HOUR = 3_600_000;

test('metrics count what came, waits, is held, was delivered or failed, by class, and say how long the oldest waits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'automed-metrics-'));
  const journal = openJournal(join(folder, 'journal.db'));
  try {
    const telemetry = new Telemetry('test');
    const metrics = new PacsMetrics(telemetry);
    observeJournal(telemetry, journal);
    const began = Date.now() - HOUR;
    journal.arrivals.record(arrival('1.2.1.1'), began - HOUR);
    journal.arrivals.record(arrival('1.3.1.1', { study: '1.3', series: '1.3.1' }), began - HOUR);
    journal.arrivals.record(arrival('1.3.1.2', { study: '1.3', series: '1.3.1', patient: 'P2' }), began - HOUR);
    journal.completion.closeDue(SITE, began);
    const source = { way: 'dicom', calling: 'S', called: 'A' } as const;
    metrics.countObject({ kept: 'kept', uids: { sopClass: '1', sopInstance: '2' } }, source);
    metrics.countObject({ refused: 'disk-full', message: '' }, source);
    metrics.countDelivery('done', 'a', '');
    metrics.countDelivery('dead', 'a', 'REFUSED', 'permanent');
    metrics.countAnalysis('dead', 'NO_TERMS');
    const text = await telemetry.registry.metrics();
    const lines = text.split('\n').map((line) => line.replace(/,?program="test"/, '').replace('{}', ''));
    const value = (name: string): number | undefined => {
      const line = lines.find((each) => each.startsWith(`automed_pacs_${name} `));
      return line === undefined ? undefined : Number(line.split(' ').at(-1));
    };
    expect(value('objects_total{way="dicom",outcome="kept"}')).toBe(1);
    expect(value('objects_total{way="dicom",outcome="disk-full"}')).toBe(1);
    expect(value('deliveries_total{outcome="done",destination="a",code="",class=""}')).toBe(1);
    expect(value('deliveries_total{outcome="dead",destination="a",code="REFUSED",class="permanent"}')).toBe(1);
    expect(value('analyses_total{outcome="dead",code="NO_TERMS"}')).toBe(1);
    expect(value('queued_analyses')).toBe(1);
    expect(value('held_analyses')).toBe(1);
    expect(value('dead_analyses')).toBe(0);
    expect(value('queued_deliveries')).toBe(0);
    expect(value('dead_reviews')).toBe(0);
    expect(value('oldest_wait_seconds')).toBeGreaterThanOrEqual(HOUR / 1000);
  } finally {
    journal.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
