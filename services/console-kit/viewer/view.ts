// Where the image lies on the canvas: `canvas = image * scale + offset`, in CSS pixels.

export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

const LARGEST_SCALE = 64;

/** The whole image in the middle. */
export function fit(image: Size, canvas: Size, margin = 12): View {
  const room = { width: Math.max(1, canvas.width - 2 * margin), height: Math.max(1, canvas.height - 2 * margin) };
  const scale = Math.min(room.width / image.width, room.height / image.height);
  return centred(image, canvas, scale);
}

export function centred(image: Size, canvas: Size, scale: number): View {
  return { scale, x: (canvas.width - image.width * scale) / 2, y: (canvas.height - image.height * scale) / 2 };
}

/** Zooms so that what is under a point of the canvas stays there. */
export function zoomAt(view: View, factor: number, at: Point, smallest: number): View {
  const scale = Math.min(LARGEST_SCALE, Math.max(Math.min(smallest, view.scale), view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

export const toImage = (view: View, { x, y }: Point): Point => ({
  x: (x - view.x) / view.scale,
  y: (y - view.y) / view.scale,
});
