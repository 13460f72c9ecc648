// Runs in the browser: opens images and results with Cornerstone's loader and adapters, and answers what the viewer has of them.

import { cache, imageLoader, init as initCore, metaData } from '@cornerstonejs/core';
import { init as initTools } from '@cornerstonejs/tools';
import { adaptersSEG, adaptersSR } from '@cornerstonejs/adapters';
import * as dicomImageLoader from '@cornerstonejs/dicom-image-loader';
import dcmjs from 'dcmjs';

const { DicomMessage, DicomMetaDictionary } = dcmjs.data;

const idOf = (url) => `wadouri:${new URL(url, globalThis.location.href)}`;
const bytesOf = async (url) => (await fetch(url)).arrayBuffer();
const uidOf = (imageId) => metaData.get('generalImageModule', imageId).sopInstanceUID;
const text = (code) => [code?.CodingSchemeDesignator, code?.CodeValue].join(' ');
const items = (sequence) => (sequence === undefined ? [] : [sequence].flat());

/** Pixels of an image as the viewer has them, and the UID under which it knows it. */
async function openPicture(url) {
  const image = await imageLoader.loadAndCacheImage(idOf(url));
  return { uid: uidOf(image.imageId), width: image.width, height: image.height, pixels: [...image.getPixelData()] };
}

/** Labels on each image, of all layers of the label map; segments by number. */
async function openSegmentation(urls, url) {
  cache.purgeCache();
  const imageIds = urls.map(idOf);
  for (const imageId of imageIds) await imageLoader.loadAndCacheImage(imageId);
  const { labelMapImages, segMetadata } = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
    imageIds,
    await bytesOf(url),
    { metadataProvider: metaData },
  );
  const images = labelMapImages.flat().map((image) => ({
    uid: uidOf(image.referencedImageId),
    labels: [...image.getPixelData()],
  }));
  const segments = items(segMetadata.data).filter(Boolean);
  const named = segments.map((segment) => [Number(segment.SegmentNumber), segment.SegmentLabel]);
  return { images, segments: Object.fromEntries(named) };
}

/** Measurement groups that the reader of TID 1500 finds, with what each of them says. */
async function openReport(url) {
  const { dict } = DicomMessage.readFile(await bytesOf(url));
  const report = DicomMetaDictionary.naturalizeDataset(dict);
  const groups = [];
  const collect = {
    toolType: 'collected',
    getMeasurementData: (group) => {
      groups.push(group);
      return {};
    },
  };
  const { MeasurementReport } = adaptersSR.Cornerstone3D;
  MeasurementReport.generateToolState(report, {}, metaData, { getToolClass: () => collect });
  return groups.map((group) => ({
    content: items(group.ContentSequence).map((item) => {
      const [concept] = items(item.ConceptNameCodeSequence);
      const [measured] = items(item.MeasuredValueSequence);
      const [code] = items(item.ConceptCodeSequence);
      const [object] = items(item.ReferencedSOPSequence);
      return {
        concept: text(concept),
        type: item.ValueType,
        value: measured ? Number([measured.NumericValue].flat()[0]) : undefined,
        unit: items(measured?.MeasurementUnitsCodeSequence)[0]?.CodeValue,
        code: code && text(code),
        text: item.TextValue ?? item.UID,
        object: object?.ReferencedSOPInstanceUID,
        segment: object?.ReferencedSegmentNumber,
      };
    }),
  }));
}

await initCore();
initTools();
dicomImageLoader.init({ maxWebWorkers: 1, useLegacyMetadataProvider: true });
Object.assign(globalThis, { viewer: { openPicture, openSegmentation, openReport } });
