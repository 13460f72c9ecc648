// Files that others put into folders, on a real file system.

import { appendFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DONE, REFUSED, WatchedFolders } from '../../../services/pacs/adapters/watched-folders';
import type { WatchedFolder } from '../../../services/pacs-site/schema';
import { dicomFile } from '../../support/dicom';
import { dataSetsOf, pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { seriesFiles } from '../../support/scanned-series';

let at: Receiving;
let inbox: string;
let folder: WatchedFolder;
let watched: WatchedFolders;

beforeEach(async () => {
  at = await receiving();
  inbox = join(at.folder, 'in');
  mkdirSync(inbox);
  folder = { path: inbox, ae: 'FOLDER', settle_seconds: 0, after: 'move' };
  watched = new WatchedFolders({
    folders: () => [folder],
    ownTitle: () => 'AUTOMED',
    receiver: at.receiver,
    log: at.log,
  });
});
afterEach(() => at.end());

const series = (count: number): Buffer[] => seriesFiles(pictures(count), { study: '1.2.3' });
const put = (name: string, bytes: Buffer | string): void => writeFileSync(join(inbox, name), bytes);
const names = (): string[] =>
  (
    readdirSync(inbox, { recursive: true, withFileTypes: true }) as unknown as {
      name: string;
      parentPath: string;
      isFile(): boolean;
    }[]
  )
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(inbox.length + 1))
    .sort();

describe('files of a folder', () => {
  it('are kept byte by byte, and moved away with the folders that they lie in', async () => {
    const files = series(2);
    mkdirSync(join(inbox, 'a', 'b'), { recursive: true });
    put('1.dcm', files[0] ?? '');
    put('a/b/no-extension', files[1] ?? '');
    expect(await watched.look()).toBe(true);
    expect(at.dataSets()).toEqual(dataSetsOf(files));
    expect(names()).toEqual([`${DONE}/1.dcm`, `${DONE}/a/b/no-extension`]);
    expect(await watched.look()).toBe(false);
  });

  it('are deleted where the site says so', async () => {
    folder = { ...folder, after: 'delete' };
    put('1.dcm', series(1)[0] ?? '');
    await watched.look();
    expect(names()).toEqual([]);
    expect(at.journal.overview.totals().instances).toBe(1);
  });

  it('that come again under their name are known, and stand beside the first ones', async () => {
    const [file = ''] = series(1);
    put('1.dcm', file);
    await watched.look();
    put('1.dcm', file);
    await watched.look();
    expect(at.files()).toHaveLength(1);
    expect(names()).toEqual([`${DONE}/1.dcm`, expect.stringMatching(/^done\/1\.dcm\.[0-9a-f]{8}$/)]);
  });

  it('are left alone while they grow', async () => {
    folder = { ...folder, settle_seconds: 0.05 };
    const [file = Buffer.alloc(0)] = series(1);
    put('1.dcm', file.subarray(0, 3000));
    await watched.look();
    appendFileSync(join(inbox, '1.dcm'), file.subarray(3000));
    expect(await watched.look()).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await watched.look()).toBe(true);
    expect(at.dataSets()).toEqual(dataSetsOf([file]));
  });

  it('are left alone under the names of unfinished files, and links are not followed', async () => {
    const [file = ''] = series(1);
    put('.hidden.dcm', file);
    put('1.dcm.part', file);
    writeFileSync(join(at.folder, 'elsewhere.dcm'), file);
    symlinkSync(join(at.folder, 'elsewhere.dcm'), join(inbox, 'link.dcm'));
    expect(await watched.look()).toBe(false);
    expect(at.files()).toEqual([]);
  });

  it.each([
    ['no DICOM at all', () => Buffer.from('text')],
    ['cut short within its pixels', () => (series(1)[0] ?? Buffer.alloc(0)).subarray(0, -100)],
    ['cut short within its compressed pixels', () => compressed().subarray(0, -8)],
  ])('that are %s are put aside, and nothing of them is kept', async (_, bytes) => {
    put('bad.dcm', bytes());
    expect(await watched.look()).toBe(true);
    expect(names()).toEqual([`${REFUSED}/bad.dcm`]);
    expect(at.files()).toEqual([]);
  });

  it('of compressed pixels are kept when they are whole', async () => {
    put('good.dcm', compressed());
    await watched.look();
    expect(names()).toEqual([`${DONE}/good.dcm`]);
  });

  it('that seem cut short are looked at again for a while: somebody may write slowly', async () => {
    folder = { ...folder, settle_seconds: 0.1 };
    const [file = Buffer.alloc(0)] = series(1);
    put('slow.dcm', file.subarray(0, -100));
    for (let look = 0; look < 3; look += 1) {
      await watched.look();
      await new Promise((resolve) => setTimeout(resolve, 110));
    }
    expect(names()).toEqual(['slow.dcm']);
    appendFileSync(join(inbox, 'slow.dcm'), file.subarray(-100));
    await watched.look();
    await new Promise((resolve) => setTimeout(resolve, 110));
    await watched.look();
    expect(names()).toEqual([`${DONE}/slow.dcm`]);
  });

  it.each([
    ['taken', DONE, () => series(1)[0] ?? ''],
    ['refused', REFUSED, () => 'text'],
  ])(
    'that are %s and cannot be moved away hold up no others, and are not named in the log',
    async (_, place, bytes) => {
      const told = jest.spyOn(at.log, 'error');
      symlinkSync(join(at.folder, 'nowhere', 'at-all'), join(inbox, place));
      put('Doe^Jane.dcm', bytes());
      expect(await watched.look()).toBe(false);
      expect(await watched.look()).toBe(false);
      expect(names()).toEqual(['Doe^Jane.dcm']);
      const lines = told.mock.calls.map((call) => JSON.stringify(call));
      expect(lines).toEqual([expect.stringContaining('"file-stays"')]);
      expect(lines.join()).not.toContain('Doe');
    },
  );

  it('wait while there is no room', async () => {
    at.room.value = false;
    put('1.dcm', series(1)[0] ?? '');
    expect(await watched.look()).toBe(false);
    at.room.value = true;
    expect(await watched.look()).toBe(true);
  });
});

function compressed(): Buffer {
  return dicomFile(
    {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
      '00080018': ['UI', '1.2.9.1.1'],
      '0020000d': ['UI', '1.2.9'],
      '0020000e': ['UI', '1.2.9.1'],
      '00280010': ['US', [8]],
      '00280011': ['US', [8]],
    },
    '1.2.840.10008.1.2.4.50',
    [Buffer.from([0xff, 0xd8, 1, 2, 3, 4, 0xff, 0xd9])],
  );
}
