// Draws a picture with its layers onto a canvas. Only what is seen is painted, at the size at which it is seen.

import { channelTable, grayTable, paintColor, paintGray, type Region } from './lookup-table';
import type { Layer } from './layer';
import { MaskOverlay } from './mask-overlay';
import type { Picture, Window } from './picture';
import { shrunk } from './shrink';
import type { Size, View } from './view';

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
  /** The part that is seen, where its pixels are enlarged. */
  private readonly surface = new OffscreenCanvas(1, 1);
  private readonly masks = new MaskOverlay();
  /** The pixels that were painted last, and all that they depend on. */
  private painted: { image: ImageData; of: readonly unknown[] } | undefined;
  /** The picture at the size of the screen, kept for as long as both stay. */
  private sampled: { picture: Picture; scale: number; shown: Picture } | undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  draw(scene: Scene, overlay?: Overlay): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    const ratio = devicePixelRatio;
    const { scale } = scene.view;
    // Whole pixels of the screen, so that those of the picture need not be mixed anew when it is moved.
    const place = { scale: scale * ratio, x: Math.round(scene.view.x * ratio), y: Math.round(scene.view.y * ratio) };
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.paint(context, scene, place);
    const { layers, opacity, outlines } = scene;
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.masks.draw(context, layers, { place, opacity, outlines, ratio });
    context.setTransform(place.scale, 0, 0, place.scale, place.x, place.y);
    context.imageSmoothingEnabled = false;
    overlay?.(context, 1 / scale);
  }

  /** Paints the part of the picture that is on the canvas, and nothing beside it. */
  private paint(context: CanvasRenderingContext2D, scene: Scene, { scale, x, y }: View): void {
    const shown = scale < 1 ? this.sample(scene.picture, scale) : scene.picture;
    const enlarged = Math.max(1, scale);
    const seen = seenOf(shown, { scale: enlarged, x, y }, this.canvas);
    if (seen.width <= 0 || seen.height <= 0) return;
    const { image, fresh } = this.paintRegion(shown, seen, scene);
    if (scale <= 1) return context.putImageData(image, x + seen.x, y + seen.y);
    const { surface } = this;
    if (surface.width !== seen.width || surface.height !== seen.height)
      Object.assign(surface, { width: seen.width, height: seen.height });
    if (fresh) surface.getContext('2d')?.putImageData(image, 0, 0);
    context.setTransform(scale, 0, 0, scale, x, y);
    // Much enlarged pixels are shown as they are.
    context.imageSmoothingEnabled = scale < 2;
    context.drawImage(surface, seen.x, seen.y);
  }

  private sample(picture: Picture, scale: number): Picture {
    if (this.sampled?.picture !== picture || this.sampled.scale !== scale)
      this.sampled = { picture, scale, shown: shrunk(picture, scale) };
    return this.sampled.shown;
  }

  /** Paints what was not painted by the last call. */
  private paintRegion(
    picture: Picture,
    seen: Region,
    { window, negative }: Scene,
  ): { image: ImageData; fresh: boolean } {
    const { width, height } = seen;
    const of = [picture, window, negative, seen.x, seen.y, width, height];
    const { painted } = this;
    if (painted?.of.every((each, at) => each === of[at])) return { image: painted.image, fresh: false };
    const fits = painted?.image.width === width && painted.image.height === height;
    const image = fits ? painted.image : new ImageData(width, height);
    if (picture.kind === 'gray')
      paintGray(picture, seen, grayTable(picture, window, negative), new Uint32Array(image.data.buffer));
    else paintColor(picture, seen, channelTable(window, negative), image.data);
    this.painted = { image, of };
    return { image, fresh: true };
  }
}

/** The whole pixels of a picture that lie on a canvas, in part or in full; one that is smoothed needs its neighbours, too. */
function seenOf(picture: Size, { scale, x, y }: View, canvas: Size): Region {
  const span = (offset: number, most: number, room: number): [number, number] => [
    Math.max(0, Math.floor(-offset / scale) - 1),
    Math.min(most, Math.ceil((room - offset) / scale) + 1),
  ];
  const [left, right] = span(x, picture.width, canvas.width);
  const [top, bottom] = span(y, picture.height, canvas.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}
