import { galleryPng } from '../../imaging/gallery';
import { drawOverlay, type Picture } from '../../imaging/overlay';
import type { Part, Sample } from '../domain/data-folder';
import { decodeSample } from '../domain/load-samples';
import type { SampleOutcome, TrainerPort } from '../domain/ports';

const PER_ROW = 4;

/** The best, the middle and the worst of a list that is sorted from best to worst, without repeats. */
export function chooseExamples<T>(sorted: readonly T[], each = PER_ROW): T[] {
  if (sorted.length <= 3 * each) return [...sorted];
  const middle = Math.floor((sorted.length - each) / 2);
  return [...sorted.slice(0, each), ...sorted.slice(middle, middle + each), ...sorted.slice(-each)];
}

/**
 * A picture with three rows: best, median and worst samples of a part. Segmentation shows the model's mask in red and the
 * true contour in green, one picture for each structure; classification shows the images.
 */
export async function examplesPng(
  trainer: TrainerPort,
  part: Part,
  samples: readonly Sample[],
  outcomes: readonly SampleOutcome[],
): Promise<Buffer> {
  const worth = ({ structures, loss }: SampleOutcome): number =>
    structures === null ? -loss : structures.reduce((sum, { dice }) => sum + dice, 0);
  const sorted = [...outcomes].sort((a, b) => worth(b) - worth(a) || a.index - b.index);
  const pictures: Picture[] = [];
  let perSample = 1;
  for (const { index } of chooseExamples(sorted)) {
    const { pixels, masks } = await decodeSample(samples[index]!);
    const size = pixels.width * pixels.height;
    if (!masks) pictures.push(drawOverlay(pixels, new Uint8Array(size)));
    else perSample = masks.length / size;
    const predicted = masks ? await trainer.predictMasks(part, index) : new Uint8Array();
    for (let begin = 0; begin < predicted.length; begin += size) {
      const truth = masks?.subarray(begin, begin + size);
      pictures.push(drawOverlay(pixels, predicted.subarray(begin, begin + size), truth ? { truth } : {}));
    }
  }
  return galleryPng(pictures, { columns: PER_ROW * perSample });
}
