// Runs beside the packages: reads objects with dcmqi and dcmtk, and writes what they found.
//
//   node read.mjs TASKS FOUND    both JSON

import { readFileSync, writeFileSync } from 'node:fs';
import { applyPresentationStateToImageNode, readOverlappingSegmentationNode } from '@itk-wasm/dicom';

/** Where in the patient each segment is, mm, by its label. */
async function segments({ object }) {
  const { segImage, metaInfo } = await readOverlappingSegmentationNode(object);
  const { origin, spacing, direction, size, data, imageType } = segImage;
  const voxels = Array.from({ length: imageType.components }, () => []);
  for (const [at, label] of data.entries()) {
    if (label === 0) continue;
    const voxel = Math.floor(at / imageType.components);
    const index = [voxel % size[0], Math.floor(voxel / size[0]) % size[1], Math.floor(voxel / size[0] / size[1])];
    const position = origin.map((start, row) =>
      index.reduce((sum, each, axis) => sum + each * spacing[axis] * direction[row * 3 + axis], start),
    );
    voxels[at % imageType.components].push({ label, position });
  }
  const described = metaInfo.segmentAttributes.flat();
  return described.map(({ labelID, SegmentLabel, SegmentedPropertyTypeCodeSequence: type }) => ({
    name: SegmentLabel,
    code: `${type.CodingSchemeDesignator} ${type.CodeValue}`,
    positions: voxels.flat().flatMap(({ label, position }) => (label === labelID ? [position] : [])),
  }));
}

/** The outlines of each layer that a presentation state has on an image. */
async function outlines({ object, image }) {
  const { presentationStateOutStream: state } = await applyPresentationStateToImageNode(image, object);
  return state.GraphicsLayers.map(({ Description, GraphicObjects }) => ({
    name: Description,
    outlines: GraphicObjects.map(({ Units, Points }) => {
      if (Units !== 'pixel') throw new Error(`Outlines are in units of the ${Units}.`);
      return Array.from({ length: Points.length / 2 }, (_, at) => [Points[2 * at], Points[2 * at + 1]]);
    }),
  }));
}

const [tasks, found] = process.argv.slice(2);
const read = { segments, outlines };
const answers = [];
for (const task of JSON.parse(readFileSync(tasks, 'utf8'))) answers.push(await read[task.read](task));
writeFileSync(found, JSON.stringify(answers));
