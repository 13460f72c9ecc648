import { useEffect, useRef, useState } from 'preact/hooks';
import { fromBase64 } from '../../../console-kit/api/bytes';
import { sentence } from '../../../console-kit/api/call';
import { readSample, type OpenSample } from '../../../console-kit/api/datasets';
import { useLoad } from '../../../console-kit/parts/use-load';
import { colourOf, layerOf } from '../../../console-kit/viewer/layer';
import { MaskOverlay } from '../../../console-kit/viewer/mask-overlay';

/** Longer side, pixels. */
const SIDE = 220;

/** A sample of a data set, small, with its masks as a training sees them. */
export function SamplePicture({ dataset, name }: { dataset: string; name: string }) {
  const { value, error } = useLoad((signal) => readSample(dataset, name, { signal }), [dataset, name]);
  const [failed, setFailed] = useState<unknown>();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (value && canvas.current) draw(value, canvas.current).catch(setFailed);
  }, [value]);
  const problem = value?.problem ?? '';
  return (
    <figure class="sample-picture">
      {value ? <canvas ref={canvas} width={SIDE} height={SIDE} role="img" aria-label={name} /> : null}
      <figcaption class="fine">
        {name}
        {problem === '' ? null : <span class="error-text">{problem}</span>}
        {[error, failed].map((each, at) => (each === undefined ? null : <span key={at}>{sentence(each)}</span>))}
      </figcaption>
    </figure>
  );
}

async function draw({ image, displayPng, masks = [] }: OpenSample, canvas: HTMLCanvasElement): Promise<void> {
  const shown = displayPng ?? image.encoded ?? '';
  const bitmap = await createImageBitmap(new Blob([fromBase64(shown)]));
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  [canvas.width, canvas.height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const context = canvas.getContext('2d');
  if (!context) return;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const layers = masks.map((mask, at) => layerOf(mask, '', '', colourOf(at)));
  new MaskOverlay().draw(context, layers, { place: { scale, x: 0, y: 0 }, opacity: 0, outlines: true, ratio: 1 });
  canvas.dataset['drawn'] = 'true';
}
