// Programs of others that judge DICOM objects: dcmtk's, GDCM's, and dicom3tools' validators. Installed where apt can.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PACKAGES = {
  dcmdump: 'dcmtk',
  dsrdump: 'dcmtk',
  dciodvfy: 'dicom3tools',
  dcentvfy: 'dicom3tools',
  dcmcjpeg: 'dcmtk',
  gdcmconv: 'libgdcm-tools',
};
export type DicomTool = keyof typeof PACKAGES;

/** Those that judge objects. */
const JUDGES: readonly DicomTool[] = ['dcmdump', 'dsrdump', 'dciodvfy', 'dcentvfy'];

const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;

/** Installs what is missing; why there is none, where that does not work. */
export function missingDicomTools(tools: readonly DicomTool[] = JUDGES): string | undefined {
  const wanted = new Set(tools.filter((tool) => !has(tool)).map((tool) => PACKAGES[tool]));
  if (wanted.size === 0) return undefined;
  const install = `apt-get install -y -qq --no-install-recommends ${[...wanted].join(' ')}`;
  const { status } = spawnSync('sh', ['-c', `${install} || { apt-get update -qq && ${install}; }`], {
    timeout: 180_000,
  });
  return status === 0 ? undefined : `${[...wanted].join(' and ')} cannot be installed with apt`;
}

/** What a program says of objects, all its output; the files are deleted afterwards. */
export function run(tool: DicomTool, objects: readonly Uint8Array[], ...options: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'automed-dicom-'));
  try {
    const files = objects.map((bytes, at) => {
      const file = join(folder, `${at}.dcm`);
      writeFileSync(file, bytes);
      return file;
    });
    const { stdout, stderr, error } = spawnSync(tool, [...options, ...files], { encoding: 'latin1' });
    if (error) throw error;
    return `${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const errorsIn = (said: string): string[] => said.split('\n').filter((line) => line.startsWith('Error'));

/** What dciodvfy finds wrong with one object. */
export const objectErrors = (bytes: Uint8Array): string[] => errorsIn(run('dciodvfy', [bytes]));

/** What dcentvfy finds to differ between objects of one patient and study. */
export const entityErrors = (objects: readonly Uint8Array[]): string[] => errorsIn(run('dcentvfy', objects));
