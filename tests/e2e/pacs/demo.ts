// From a scanner to an archive and back: trains a small model, starts Orthanc and the platform, sends a study with storescu, waits,
// fetches what came back over DICOMweb, and draws it.
//
//   npm run demo:pacs [-- FOLDER]      default: .automed/demo-pacs

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { drawOverlay } from '../../../services/imaging/overlay';
import { galleryPng, outlineLegend, type Tile } from '../../../services/imaging/gallery';
import { DicomImage, DicomSegmentation } from '../../../services/imaging/dicom';
import { imageUid } from '../../support/scanned-series';
import { installPacsTools, Orthanc, valueOf } from '../../support/orthanc';
import { diceOf, sendStudy, startBridge, writeSite, type DemoSlice } from './demo/parts';
import { trainedStore } from './demo/model';
import { demoSlices, writeStudy } from './demo/study';

const SEGMENTATION = '1.2.840.10008.5.1.4.1.1.66.4';
const BRIDGE = 'AUTOMED';
const PATIENCE_MS = 5 * 60_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Came {
  kind: string;
  series: string;
  sopClass: string;
  description: string;
}

/** Series of a study that were not sent by the scanner. */
async function results(orthanc: Orthanc, study: string): Promise<Came[]> {
  const series = await orthanc.query(`/studies/${study}/series?includefield=0008103E`);
  const found = series.map((each) => ({
    kind: valueOf(each, '00080060'),
    series: valueOf(each, '0020000E'),
    description: valueOf(each, '0008103E'),
  }));
  const ours = found.filter(({ kind }) => kind === 'SEG' || kind === 'SR');
  return Promise.all(
    ours.map(async (each) => {
      const [instance] = await orthanc.query(`/studies/${study}/series/${each.series}/instances`);
      return { ...each, sopClass: valueOf(instance, '00080016') };
    }),
  );
}

async function waitFor(orthanc: Orthanc, study: string, kinds: readonly string[]): Promise<Came[]> {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const came = await results(orthanc, study);
    if (kinds.every((kind) => came.some((each) => each.kind === kind))) return came;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error('no result came back in time');
}

async function draw(
  segmentation: Buffer,
  slices: readonly DemoSlice[],
  files: readonly Buffer[],
  study: string,
  path: string,
) {
  const parsed = DicomSegmentation.parse(segmentation);
  const tiles: Tile[] = [];
  for (const [at, file] of files.entries()) {
    const image = DicomImage.parse(file);
    const { mask } = await parsed.mask({ sopInstanceUid: imageUid(study, at), frame: 0, frames: 1 });
    const truth = slices[at]?.mask ?? mask;
    const dice = diceOf(mask, truth);
    const picture = drawOverlay(await image.display(), mask, { truth });
    tiles.push({ picture, name: `slice ${at + 1}`, caption: `Dice ${dice.toFixed(3)}` });
    say(
      `  slice ${at + 1}: ${mask.reduce((sum, value) => sum + value, 0)} pixels, Dice with what was drawn ${dice.toFixed(3)}`,
    );
  }
  writeFileSync(path, await galleryPng(tiles, { legend: outlineLegend(false) }));
}

async function demo(folder: string): Promise<void> {
  installPacsTools();
  mkdirSync(folder, { recursive: true });
  const work = join(folder, 'run');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const { store, model } = await trainedStore(folder, say);
  const study = `2.25.${BigInt(Date.now())}${process.pid}`;
  const slices = demoSlices();
  const files = writeStudy(join(work, 'study'), slices, study);
  say(`a CT study of ${files.length} slices lies in ${join(work, 'study')}`);

  const orthanc = await Orthanc.start({ folder: join(work, 'orthanc'), modalities: { [BRIDGE]: { port: 1 } } });
  say(`Orthanc receives DICOM on port ${orthanc.dicomPort} and answers DICOMweb at ${orthanc.url}`);
  const bridge = await startBridge(store, join(work, 'pacs'), writeSite(work, orthanc, BRIDGE, model)).catch(
    async (error: unknown) => {
      await orthanc.down();
      throw error;
    },
  );
  try {
    say(`the bridge receives DICOM on port ${bridge.dicomPort}`);
    const begun = performance.now();
    sendStudy(join(work, 'study'), { port: orthanc.dicomPort, from: BRIDGE, to: orthanc.aet });
    sendStudy(join(work, 'study'), { port: bridge.dicomPort, from: 'SCANNER', to: BRIDGE });
    say('storescu sent the study to Orthanc and to the bridge');
    const came = await waitFor(orthanc, study, ['SEG', 'SR']);
    say(`after ${((performance.now() - begun) / 1000).toFixed(1)} s Orthanc holds beside the slices:`);
    for (const { kind, description, series } of came) say(`  ${kind} "${description}" (series ${series})`);
    const seg = came.find(({ sopClass }) => sopClass === SEGMENTATION);
    const [segmentation] = await orthanc.retrieve(`/studies/${study}/series/${seg?.series ?? ''}`);
    if (!segmentation) throw new Error('WADO-RS gave no segmentation');
    writeFileSync(join(folder, 'segmentation.dcm'), segmentation);
    const picture = join(folder, 'overlay.png');
    await draw(segmentation, slices, files, study, picture);
    say(`orange: the segmentation, blue: what was drawn into the slices: ${picture}`);
    say(await bridge.command('explain', study));
    say(await bridge.command('show', study));
  } finally {
    await bridge.stop();
    await orthanc.down();
  }
}

demo(resolve(process.argv[2] ?? '.automed/demo-pacs')).catch((error: unknown) => {
  process.stderr.write(`demo:pacs: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
