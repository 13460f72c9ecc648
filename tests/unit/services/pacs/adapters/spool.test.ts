import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeResult } from '../../../../../services/pacs/adapters/result-files';
import { judgeFailure } from '../../../../../services/pacs/domain/failures';
import { Spool } from '../../../../../services/pacs/adapters/spool';
import { mount, unmount, whyNoMount } from '../../../../support/tmpfs';

let folder: string;
let spool: Spool;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-spool-'));
  spool = await Spool.open(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MORE_THAN_WAITS = Buffer.alloc(3 * 1024 * 1024, 7);

describe('a file that is received', () => {
  it('lets whoever waits for the disk go on when it ends, although the disk says nothing then', async () => {
    const file = await spool.create(Buffer.from('head'));
    expect(file.write(MORE_THAN_WAITS)).toBe(false);
    const resumed = new Promise<void>((resolve) => file.onceDrained(resolve));
    // The end comes in the same packet as what the disk has not taken yet.
    const { name, bytes } = await file.finish();
    await resumed;
    expect(bytes).toBe(4 + MORE_THAN_WAITS.length);
    expect(readFileSync(spool.path(name))).toHaveLength(bytes);
  });

  it('lets whoever waits for the disk go on when it is discarded', async () => {
    const file = await spool.create(Buffer.from('head'));
    file.write(MORE_THAN_WAITS);
    const resumed = new Promise<void>((resolve) => file.onceDrained(resolve));
    await file.discard();
    await resumed;
    expect(await spool.names()).toEqual([]);
  });

  (whyNoMount() === undefined ? it : it.skip).each([1, 3, 20, 200])(
    'is whole when it is said to be, whenever the disk is full: in %i part(s)',
    async (parts) => {
      mount(folder, 'size=64k');
      try {
        const ends: string[] = [];
        for (const size of [1000, 60_000, 64_000, 66_000, 200_000, 1_500_000]) {
          const file = await spool.create(Buffer.alloc(0));
          for (let part = 0; part < parts; part += 1) file.write(Buffer.alloc(Math.floor(size / parts), part));
          const end = file.finish().then(
            ({ name, bytes }) => (readFileSync(spool.path(name)).length === bytes ? 'whole' : 'cut short'),
            (error: NodeJS.ErrnoException) => error.code ?? error.message,
          );
          ends.push(await end);
          await file.discard();
        }
        expect(ends).toEqual(['whole', 'whole', 'whole', 'ENOSPC', 'ENOSPC', 'ENOSPC']);
        expect(await spool.names()).toEqual([]);
      } finally {
        unmount(folder);
      }
    },
  );

  (whyNoMount() === undefined ? it : it.skip)(
    'is no result where the disk is full: its analysis waits for room',
    async () => {
      mount(folder, 'size=64k');
      try {
        const uids = { sopClassUid: '1.2', sopInstanceUid: '2.25.1', seriesUid: '2.25.2', studyUid: '1.3' };
        const made = {
          kind: 'SEG',
          of: '',
          part: 1,
          object: { kind: 'segmentation', ...uids, bytes: Buffer.alloc(200_000) },
        } as const;
        const error: unknown = await storeResult(spool, made).catch((thrown: unknown) => thrown);
        expect(judgeFailure(error)).toMatchObject({ code: 'STORAGE_FULL', transient: true, away: true });
        expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('.'))).toEqual([]);
      } finally {
        unmount(folder);
      }
    },
  );
});
