// Draws a picture with its layers onto a canvas. The pixels are painted anew only when window, inversion or picture change.

import { channelTable, grayTable, paintColor, paintGray } from './lookup-table';
import type { Layer } from './layer';
import type { Picture, Window } from './picture';
import type { View } from './view';

export interface Scene {
  picture: Picture;
  window: Window;
  negative: boolean;
  view: View;
  layers: readonly Layer[];
  /** `[0, 1]` */
  opacity: number;
  outlines: boolean;
}

/** Draws on top, in pixels of the image; `px` is one CSS pixel in them. */
export type Overlay = (context: CanvasRenderingContext2D, px: number) => void;

export class Renderer {
  private readonly surface = new OffscreenCanvas(1, 1);
  private painted: Pick<Scene, 'picture' | 'window' | 'negative'> | undefined;
  private image: ImageData | undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  draw(scene: Scene, overlay?: Overlay): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    this.paint(scene);
    const ratio = devicePixelRatio;
    const { scale, x, y } = scene.view;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(scale * ratio, 0, 0, scale * ratio, x * ratio, y * ratio);
    // Enlarged pixels are shown as they are; what is made smaller is averaged.
    context.imageSmoothingEnabled = scale * ratio < 2;
    context.drawImage(this.surface, 0, 0);
    context.imageSmoothingEnabled = false;
    for (const layer of scene.layers) if (layer.visible) drawLayer(context, layer, scene);
    overlay?.(context, 1 / scale);
  }

  private paint({ picture, window, negative }: Scene): void {
    const { painted, surface } = this;
    if (painted?.picture === picture && painted.window === window && painted.negative === negative) return;
    this.painted = { picture, window, negative };
    const { width, height } = picture;
    if (surface.width !== width || surface.height !== height || !this.image) {
      Object.assign(surface, { width, height });
      this.image = new ImageData(width, height);
    }
    const { data } = this.image;
    if (picture.kind === 'gray')
      paintGray(picture.values, grayTable(picture, window, negative), new Uint32Array(data.buffer));
    else paintColor(picture.rgba, channelTable(window, negative), data);
    surface.getContext('2d')?.putImageData(this.image, 0, 0);
  }
}

function drawLayer(context: CanvasRenderingContext2D, layer: Layer, { opacity, outlines, view }: Scene): void {
  context.globalAlpha = opacity;
  context.drawImage(layer.fill, 0, 0);
  context.globalAlpha = 1;
  if (!outlines) return;
  context.lineCap = 'round';
  // A dark line below the coloured one, so that it shows on bright and dark alike.
  for (const [colour, width] of [
    ['rgb(0 0 0 / 55%)', 3.5],
    [layer.colour, 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width / view.scale;
    context.stroke(layer.outline);
  }
}
