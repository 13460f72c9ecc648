// The tables of docs/dicom-conformance.md say what the code does. AUTOMED_UPDATE_DOCS=1 writes them anew (then run prettier).

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CAPTURE_STORAGE,
  IMPLEMENTATION_CLASS_UID,
  IMPLEMENTATION_VERSION,
  LABELMAP_STORAGE,
  PRESENTATION_STORAGE,
  REPORT_STORAGE,
  SEGMENTATION_STORAGE,
} from '../../../services/dicom-results';
import { COMMITMENT } from '../../../services/dicom-net/commitment';
import { STORAGE_CLASSES } from '../../../services/dicom-net/storage-scp';
import { EXPLICIT_LITTLE_ENDIAN, SYNTAXES } from '../../../services/imaging/dicom/transfer-syntax';

const FILE = join(__dirname, '../../../docs/dicom-conformance.md');

const table = (...rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows;
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};
const uid = (text: string): string => `\`${text}\``;

const RESULTS = [
  ['Segmentation Storage', SEGMENTATION_STORAGE, 'encoding BINARY'],
  ['Label Map Segmentation Storage', LABELMAP_STORAGE, 'encoding LABELMAP'],
  ['Comprehensive SR Storage', REPORT_STORAGE, 'TID 1500'],
  ['Secondary Capture Image Storage', CAPTURE_STORAGE, 'encoding CAPTURE'],
  ['Grayscale Softcopy Presentation State Storage', PRESENTATION_STORAGE, 'on request'],
] as const;

const TABLES: Readonly<Record<string, string>> = {
  implementation: table(
    ['name', 'value'],
    ['Implementation Class UID', uid(IMPLEMENTATION_CLASS_UID)],
    ['Implementation Version Name', uid(IMPLEMENTATION_VERSION)],
  ),
  'received-classes': table(
    ['SOP class', 'UID', 'role'],
    ['Verification', uid('1.2.840.10008.1.1'), 'SCP, SCU'],
    ['every storage class of the standard', uid(`${STORAGE_CLASSES}*`), 'SCP; SCU of C-GET'],
    ['Storage Commitment Push Model', uid(COMMITMENT), 'SCP, SCU'],
    ['Study Root Query/Retrieve: FIND, MOVE, GET', uid('1.2.840.10008.5.1.4.1.2.2.*'), 'SCU'],
  ),
  'received-syntaxes': table(
    ['transfer syntax', 'UID', 'pixels'],
    ...SYNTAXES.map(({ name, uid: of, codec, lossy }) => [
      name,
      uid(of),
      `${codec ?? 'native'}${lossy ? ', lossy' : ''}`,
    ]),
  ),
  'sent-classes': table(
    ['SOP class', 'UID', 'sent as', 'transfer syntax'],
    ...RESULTS.map(([name, of, when]) => [name, uid(of), when, uid(EXPLICIT_LITTLE_ENDIAN)]),
  ),
};

const regionOf = (name: string): RegExp => new RegExp(`(<!-- generated: ${name} -->\\n)([\\s\\S]*?)(\\n<!-- end -->)`);

/** Without the widths of columns, which prettier sets. */
const plain = (text: string): string => text.replace(/-{3,}/g, '---').replace(/ +/g, ' ').trim();

if (process.env['AUTOMED_UPDATE_DOCS'] === '1') {
  const written = Object.entries(TABLES).reduce(
    (text, [name, rows]) =>
      text.replace(regionOf(name), (_, begin: string, __, end: string) => `${begin}\n${rows}\n${end}`),
    readFileSync(FILE, 'utf8'),
  );
  writeFileSync(FILE, written);
}

it.each(Object.keys(TABLES))('the table "%s" is that of the code', (name) => {
  const found = regionOf(name).exec(readFileSync(FILE, 'utf8'))?.[2] ?? 'none';
  expect(plain(found)).toBe(plain(TABLES[name] ?? ''));
});
