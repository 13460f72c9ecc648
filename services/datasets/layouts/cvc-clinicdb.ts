// CVC-ClinicDB (colonoscopy, https://polyp.grand-challenge.org/CVCClinicDB; Bernal et al., Computerized Medical Imaging and
// Graphics 43 (2015) 99-111): Original/N.tif and Ground Truth/N.tif with N from 1 to 612; the mirror on Kaggle keeps both
// below TIF/ and, as PNG, below PNG/, beside metadata.csv (frame_id, sequence_id, ...).
//
// Neighbouring frames show the same polyp, so a split keeps the 29 sequences together. They are taken from metadata.csv
// where there is one, else from the ranges of frames that the data set's authors published.

import { join } from 'node:path';
import type { DataFolder } from '../samples/sample';
import { columnNamed, groupIn, readTable } from '../tables/csv-text';
import { finding, type Finding } from '../samples/finding';
import { chosenStructures, collect, type Found } from './collect';
import { fileOf, foldersOf, isImage, type FileTree } from '../files/file-tree';
import { indexByStem, type Said } from './index-by-stem';
import type { Layout, LayoutRequest } from './layout';
import { SideTable } from './side-table';

/** First frame of each sequence, from sequence 1 on. */
const FIRST_FRAMES = [
  1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343, 364, 384, 409, 429, 448, 467, 479, 504,
  529, 547, 572, 592,
];
const LAST_FRAME = 612;

const inFolder = (path: string, name: RegExp): boolean => name.test(foldersOf(path).at(-1) ?? '');
const ORIGINAL = /^original$/i;
const TRUTH = /^ground[ _]?truth$/i;

/** The published sequence of a frame, from 1; nothing for a number that is none of the 612. */
export function sequenceOf(frame: number): number | undefined {
  if (!Number.isInteger(frame) || frame < 1 || frame > LAST_FRAME) return undefined;
  return FIRST_FRAMES.findLastIndex((first) => first <= frame) + 1;
}

interface Sequences {
  of(stem: string): string | undefined;
  findings(): Finding[];
}

async function sequences({ root, files }: FileTree): Promise<Sequences> {
  const path = files.find((file) => fileOf(file) === 'metadata.csv');
  const published: Sequences = { of: (stem) => sequenceOf(Number(stem))?.toString(), findings: () => [] };
  if (path === undefined) return published;
  const { columns, rows } = await readTable(join(root, path));
  const [frame, sequence] = [
    columnNamed(columns, ['frame_id', 'frame']),
    columnNamed(columns, ['sequence_id', 'sequence']),
  ];
  if (frame === undefined || sequence === undefined) {
    const message = `${path} has the columns ${columns.join(', ')}, and not frame_id and sequence_id: the published sequences are taken`;
    return { ...published, findings: () => [finding('group-table', 'warning', message, [path])] };
  }
  const byFrame = new SideTable(
    'metadata.csv',
    rows.map((row) => [row.get(frame) ?? '', groupIn(row.get(sequence))] as const),
  );
  return { of: (stem) => byFrame.get(stem), findings: () => byFrame.findings() };
}

/** One copy of each frame: of PNG/ and TIF/ side by side the PNG, which no decoder disagrees about. */
function oneCopy(files: readonly string[]): string[] {
  const png = files.filter((path) => /\.png$/i.test(path));
  return png.length > 0 ? png : [...files];
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const said: Said = { notes: [], findings: [] };
  const structures = chosenStructures(request, ['polyp']);
  const files = oneCopy(tree.files.filter(isImage));
  const masks = await indexByStem(
    tree,
    files.filter((path) => inFolder(path, TRUTH)),
    said,
  );
  const sequence = await sequences(tree);
  const images = files.filter((path) => inFolder(path, ORIGINAL));
  const found = [...(await indexByStem(tree, images, said))].map(([stem, path]): Found => {
    const mask = masks.get(stem);
    return {
      path,
      part: 'train',
      group: sequence.of(stem),
      masks: mask === undefined ? undefined : structures.map(() => ({ paths: [join(tree.root, mask)] })),
    };
  });
  const loose = found.filter(({ group }) => group === undefined).length;
  if (loose > 0) said.notes.push(`${loose} frames belong to no published sequence and are split one by one`);
  return collect(tree, request, {
    found,
    groupColumn: 'sequence',
    notes: said.notes,
    findings: [...said.findings, ...sequence.findings()],
    masks: masks.values(),
  });
}

export const cvcClinicDb: Layout = {
  name: 'cvc-clinicdb',
  title: 'CVC-ClinicDB, polyps',
  tasks: ['segmentation'],
  structures: ['polyp'],
  recognises: ({ files }) =>
    files.some((path) => inFolder(path, ORIGINAL)) && files.some((path) => inFolder(path, TRUTH)),
  passesOver: (path) => inFolder(path, ORIGINAL) || inFolder(path, TRUTH),
  read,
};
