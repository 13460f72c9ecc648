// The layouts that data folders may have, and which one a folder has.

import { brainMri } from './brain-mri';
import { covidRadiography } from './covid-radiography';
import { csv } from './csv';
import { cvcClinicDb } from './cvc-clinicdb';
import { dicom } from './dicom';
import { unnamedDicom } from './dicom-content';
import type { FileTree } from '../files/file-tree';
import { ham10000 } from './ham10000';
import { isic } from './isic';
import type { Layout } from './layout';
import { lc25000 } from './lc25000';
import { plain } from './plain';
import { refuge2 } from './refuge2';
import { samMed2d } from './sam-med2d';

export { plain } from './plain';
export { csv } from './csv';

/** In the order in which they are asked whether a folder is theirs. */
export const LAYOUTS: readonly Layout[] = [
  plain,
  csv,
  samMed2d,
  refuge2,
  cvcClinicDb,
  ham10000,
  isic,
  brainMri,
  covidRadiography,
  lc25000,
  // Last: published layouts may hold DICOM files, too.
  dicom,
];

/** The layout by which the files are named; where none says so that of DICOM files, told by content, else the plain one. */
export async function recognise(tree: FileTree): Promise<Layout> {
  const named = LAYOUTS.find((layout) => layout.recognises(tree));
  if (named) return named;
  return (await unnamedDicom(tree.root, tree.files, 1)).length > 0 ? dicom : plain;
}
