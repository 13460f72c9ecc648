// One file that cannot be sent, beside one that can.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReidentificationMap } from '../../../../../services/deidentification';
import { readInstanceHeader } from '../../../../../services/pacs/domain/instance-header';
import { DeidentifyingCourier } from '../../../../../services/pacs/adapters/deidentifying-courier';
import { StoreScu } from '../../../../../services/pacs/adapters/dimse/store-scu';
import { FolderCourier } from '../../../../../services/pacs/adapters/folder-courier';
import type { Sendable } from '../../../../../services/pacs/domain/delivery';
import { ctFiles } from '../../../../support/dicom-series';

const [FILE = Buffer.alloc(0)] = ctFiles({ rows: 7, columns: 9, slices: 1 });
const { sopClass, sopInstance } = readInstanceHeader(FILE);
let folder: string;
let objects: Sendable[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-prepared-'));
  writeFileSync(join(folder, 'good.dcm'), FILE);
  writeFileSync(join(folder, 'bad.dcm'), 'no DICOM');
  objects = ['gone.dcm', 'good.dcm', 'bad.dcm'].map((name) => ({ sopClass, sopInstance, path: join(folder, name) }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const gone = expect.objectContaining({ stored: false, code: 'FILE_MISSING', class: 'permanent' }) as object;
const bad = expect.objectContaining({ stored: false, cause: expect.anything() as unknown }) as object;

it('by C-STORE', async () => {
  const target = { host: '127.0.0.1', port: 1, callingAe: 'A', calledAe: 'B', timeoutMs: 5_000 };
  const away = expect.objectContaining({ code: 'UNREACHABLE' }) as object;
  expect(await new StoreScu(target).send(objects)).toEqual([gone, away, bad]);
});

it('without names', async () => {
  const map = ReidentificationMap.open(join(folder, 'map.db'));
  const profile = { dates: 'remove', characteristics: 'remove', uids: 'keep', device: 'remove' } as const;
  const into = join(folder, 'out');
  const courier = new DeidentifyingCourier(new FolderCourier(into), profile, map);
  expect(await courier.send(objects)).toEqual([gone, { stored: true }, bad]);
  expect(readdirSync(into)).toEqual([`${sopInstance}.dcm`]);
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  map.close();
});

it('into a folder', async () => {
  const [first, second] = objects as [Sendable, Sendable];
  expect(await new FolderCourier(join(folder, 'out')).send([first, second])).toEqual([gone, { stored: true }]);
});
