// DICOM segmentations (PS3.3 A.51) and label maps (A.90): each frame is bound to the image that it was drawn on by that image's
// SOP Instance UID, never by its place in the file.

import type { DataSet } from 'dicom-parser';
import type { Mask } from '../pixels/pixels';
import { itemsOf, parseFile, type ParsedFile } from './data-set';
import { DicomError } from './errors';
import { areSlices, drawOn, type Plane } from './geometry';
import { DICOM_LIMITS, headerOf, text, type DicomHeader, type DicomLimits } from './header';
import {
  drawnIn,
  isWanted,
  segmentsIn,
  segmentValuesOf,
  type Segment,
  type SegmentValues,
  type WantedSegments,
} from './segment-values';
import { storedFrame } from './stored-values';
import { tileOffset, type Tile } from './tiles';

/** Which picture a mask is wanted of. */
export interface SourceFrame {
  sopInstanceUid: string;
  /** From 0. */
  frame: number;
  /** That the image has. */
  frames: number;
  /** Size of the image; absent: that of the segmentation. */
  size?: { width: number; height: number };
  /** Where the picture lies in the patient. */
  plane?: Plane;
  /** Which tile of a slide the picture is. */
  tile?: Tile;
  /** UID of the coordinates. */
  frameOfReference?: string;
  segments?: WantedSegments;
}

/** Files that are one segmentation together (PS3.3 C.7.6.16.2.2.4). */
export interface Concatenation {
  uid: string;
  /** Files that there are; absent where the header does not say it. */
  total: number | undefined;
}

interface Reference {
  sopInstanceUid: string;
  /** From 1, as DICOM counts; empty: of the whole instance. */
  frames: number[];
  /** YES, NO or REORIENTED_ONLY (PS3.3 C.12.4.1). */
  locations: string | undefined;
}

function referenceOf(item: DataSet): Reference[] {
  const sopInstanceUid = text(item, 'x00081155');
  if (sopInstanceUid === undefined) return [];
  const count = item.elements['x00081160']?.length ? (item.numStringValues('x00081160') ?? 0) : 0;
  const frames = Array.from({ length: count }, (_, at) => item.intString('x00081160', at) ?? 0);
  return [{ sopInstanceUid, frames, locations: text(item, 'x0028135a') }];
}

/** Images that a frame was drawn on, from its own functional group or the shared one. */
function sourcesOf(groups: readonly (DataSet | undefined)[]): Reference[] {
  return groups
    .flatMap((group) => itemsOf(group, 'x00089124'))
    .flatMap((derivation) => itemsOf(derivation, 'x00082112'))
    .flatMap(referenceOf);
}

/** Every image that the segmentation names as looked at, also those on which nothing was drawn. */
function instancesOf(dataSet: DataSet): Reference[] {
  return itemsOf(dataSet, 'x00081115')
    .flatMap((series) => itemsOf(series, 'x0008114a'))
    .flatMap(referenceOf);
}

/** Number of the segment that a frame is of, from its own functional group or the shared one. */
function segmentOf(groups: readonly (DataSet | undefined)[]): number | undefined {
  return groups.flatMap((group) => itemsOf(group, 'x0062000a')).flatMap((item) => item.uint16('x0062000b') ?? [])[0];
}

function misplaced(why: string): DicomError {
  return new DicomError('GEOMETRY', `The DICOM segmentation does not say where it lies on its image: ${why}.`);
}

export class DicomSegmentation {
  /** SOP Instance UIDs of the images that it says something about. */
  readonly sources: ReadonlySet<string>;
  readonly concatenation: Concatenation | undefined;
  /** Frame by frame. */
  private readonly drawnOn: readonly Reference[][];
  private readonly segments: readonly (number | undefined)[];

  private constructor(
    private readonly file: ParsedFile,
    private readonly header: DicomHeader,
    private readonly meaning: SegmentValues,
  ) {
    const { dataSet } = file;
    const shared = itemsOf(dataSet, 'x52009229')[0];
    const own = itemsOf(dataSet, 'x52009230');
    const instances = instancesOf(dataSet);
    // Where a single image was looked at every frame is of that image.
    const only = new Set(instances.map(({ sopInstanceUid }) => sopInstanceUid)).size === 1 ? instances : [];
    this.drawnOn = Array.from({ length: header.frames }, (_, frame) => {
      const sources = sourcesOf([own[frame], shared]);
      return sources.length > 0 ? sources : only;
    });
    if (this.drawnOn.some((sources) => sources.length === 0)) {
      throw new DicomError('HEADER', 'The DICOM segmentation does not say which images its frames belong to.');
    }
    this.segments = Array.from({ length: header.frames }, (_, frame) => segmentOf([own[frame], shared]));
    const uid = text(dataSet, 'x00209161');
    this.concatenation = uid === undefined ? undefined : { uid, total: dataSet.uint16('x00209163') };
    this.sources = new Set([...instances, ...this.drawnOn.flat()].map(({ sopInstanceUid }) => sopInstanceUid));
  }

  /** True for a DICOM file that is a segmentation. */
  static is(bytes: Uint8Array, { maxBytes }: DicomLimits = DICOM_LIMITS): boolean {
    try {
      return text(parseFile(bytes, { maxBytes, headerOnly: true }).dataSet, 'x00080060') === 'SEG';
    } catch {
      return false;
    }
  }

  /** SOP Instance UIDs of the images that a segmentation names, even of one that cannot be read otherwise. */
  static namedBy(bytes: Uint8Array, { maxBytes }: DicomLimits = DICOM_LIMITS): Set<string> {
    try {
      const { dataSet } = parseFile(bytes, { maxBytes, headerOnly: true });
      const drawn = sourcesOf([...itemsOf(dataSet, 'x52009229'), ...itemsOf(dataSet, 'x52009230')]);
      return new Set([...instancesOf(dataSet), ...drawn].map(({ sopInstanceUid }) => sopInstanceUid));
    } catch {
      return new Set();
    }
  }

  /** The segments that a file has; none of one that cannot be read. */
  static segmentsOf(bytes: Uint8Array, { maxBytes }: DicomLimits = DICOM_LIMITS): Segment[] {
    try {
      return segmentsIn(parseFile(bytes, { maxBytes, headerOnly: true }).dataSet);
    } catch {
      return [];
    }
  }

  /** @throws DicomError, also for one of a kind that is not read */
  static parse(bytes: Uint8Array, limits: DicomLimits = DICOM_LIMITS): DicomSegmentation {
    const file = parseFile(bytes, limits);
    const header = headerOf(file, limits);
    return new DicomSegmentation(file, header, segmentValuesOf(file.dataSet, header));
  }

  /**
   * All segments of one picture united, or those that are wanted; nothing drawn on it gives an empty mask.
   * @throws DicomError: FRAME when the segmentation does not name the picture, HEADER when it names an image of several frames
   * without saying which of them it means (tiles of a slide need not: they say where they lie), or several images with each
   * of several frames that have no planes, GEOMETRY when its grid does not fall on the pixels of the image
   */
  async mask(source: SourceFrame): Promise<Mask> {
    const { sopInstanceUid, frame, frames } = source;
    if (!this.sources.has(sopInstanceUid)) {
      throw new DicomError('FRAME', 'The DICOM segmentation is of other images.');
    }
    const vague = (one: Reference): boolean => one.sopInstanceUid === sopInstanceUid && one.frames.length === 0;
    const placed = this.header.tiles !== undefined && source.tile !== undefined;
    if (frames > 1 && !placed && this.drawnOn.some((sources) => sources.some(vague))) {
      throw new DicomError('HEADER', `The DICOM segmentation does not say which of ${frames} frames it was drawn on.`);
    }
    const size = { width: source.size?.width ?? this.header.width, height: source.size?.height ?? this.header.height };
    const mask = new Uint8Array(size.width * size.height);
    for (const [at, sources] of this.drawnOn.entries()) {
      const meant = sources.filter(
        (one) => one.sopInstanceUid === sopInstanceUid && (one.frames.length === 0 || one.frames.includes(frame + 1)),
      );
      // The segments of a label map are told by its values.
      const wanted = this.meaning.kind === 'LABELMAP' || isWanted(this.segments[at], source.segments);
      if (meant.length === 0 || !wanted) continue;
      // Some writers name every image of the series with each frame: which of them it is of, its plane says.
      const own = this.header.planes[at];
      const several = new Set(sources.map((one) => one.sopInstanceUid)).size > 1;
      if (several && own && source.plane && areSlices(own, source.plane)) continue;
      const locations = meant.flatMap((one) => one.locations ?? []);
      const tile = this.header.tiles?.[at];
      if (several && !tile && !(own && source.plane)) this.refuseRivals(at, source);
      if (tile) await this.drawTile(at, tile, { mask, ...size }, source, meant.every(vague));
      else await this.draw(at, { mask, ...size }, source, locations);
    }
    return { mask, ...size };
  }

  /** What one of its frames draws: 0 or 1 for each pixel. */
  private async drawn(frame: number, { segments }: SourceFrame): Promise<Uint8Array> {
    const { values } = await storedFrame(this.file, this.header, frame);
    return drawnIn(values, this.meaning, this.segments[frame], segments);
  }

  /** @throws DicomError (HEADER) where another frame of the same segment names the picture, too: it is of another one */
  private refuseRivals(at: number, { sopInstanceUid, frame }: SourceFrame): void {
    const names = (one: Reference): boolean =>
      one.sopInstanceUid === sopInstanceUid && (one.frames.length === 0 || one.frames.includes(frame + 1));
    const rivals = this.drawnOn.filter(
      (sources, index) => this.segments[index] === this.segments[at] && sources.some(names),
    );
    if (rivals.length < 2) return;
    throw new DicomError(
      'HEADER',
      'The DICOM segmentation names several images with each of several frames, and planes do not tell which is meant.',
    );
  }

  /** @throws DicomError (GEOMETRY) where its coordinates are not those of the picture */
  private checkReference({ frameOfReference }: SourceFrame): void {
    const known = this.header.frameOfReference;
    if (known !== undefined && frameOfReference !== undefined && known !== frameOfReference) {
      throw misplaced('it has another frame of reference');
    }
  }

  /**
   * Draws one of its tiles on the mask of a picture, by where both lie in their slide.
   * @param anywhere the segmentation names no frames: a tile that lies elsewhere is of another picture
   */
  private async drawTile(frame: number, tile: Tile, mask: Mask, source: SourceFrame, anywhere: boolean): Promise<void> {
    this.checkReference(source);
    const { width, height } = this.header;
    const image = { width: mask.width, height: mask.height, tile: source.tile };
    const offset = tileOffset({ ...tile, width, height }, image);
    if (!offset) {
      if (anywhere) return;
      throw misplaced('a frame that names the image lies elsewhere in the slide');
    }
    const values = await this.drawn(frame, source);
    values.forEach((value, pixel) => {
      const x = (pixel % width) + offset.column;
      const y = Math.floor(pixel / width) + offset.row;
      const inside = x >= 0 && y >= 0 && x < mask.width && y < mask.height;
      if (value !== 0 && inside) mask.mask[y * mask.width + x] = 1;
    });
  }

  /** Draws one of its frames on the mask of a picture: by their planes, or pixel by pixel where one has none. */
  private async draw(
    frame: number,
    { mask, ...size }: Mask,
    source: SourceFrame,
    locations: readonly string[],
  ): Promise<void> {
    const values = await this.drawn(frame, source);
    const { width, height } = this.header;
    const own = this.header.planes[frame];
    const { plane } = source;
    this.checkReference(source);
    if (own && plane) {
      drawOn(mask, { ...size, plane }, values, { width, height, plane: own });
      return;
    }
    const moved = locations.find((value) => value !== 'YES');
    if (moved !== undefined) throw misplaced(`Spatial Locations Preserved is ${moved}, and the planes are missing`);
    if (own && locations.length === 0) throw misplaced('it has planes of its own, and the image none');
    if (width !== size.width || height !== size.height) {
      throw misplaced(
        `it is ${width} x ${height}, the image ${size.width} x ${size.height}, and the planes are missing`,
      );
    }
    values.forEach((value, pixel) => {
      if (value !== 0) mask[pixel] = 1;
    });
  }
}
