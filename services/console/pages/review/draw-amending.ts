// What is being amended, on top of the masks.

import type { Overlay } from '../../../console-kit/viewer/renderer';
import type { Point } from '../../../console-kit/viewer/view';
import { drawCrosshair, drawPrompts } from '../interactive/draw-prompts';
import type { Prompt } from '../interactive/prompts';

interface Amending {
  corners: readonly Point[];
  prompts: readonly Prompt[];
  box: { from: Point; to: Point } | undefined;
  crosshair: Point | undefined;
  /** Of the brush; undefined for other tools. */
  radius: number | undefined;
  cursor: Point | undefined;
}

export function drawAmending({ corners, prompts, box, crosshair, radius, cursor }: Amending): Overlay {
  const begun: Prompt[] = box ? [{ kind: 'box', ...box }] : [];
  const overlays: Overlay[] = [drawPrompts([...prompts, ...begun])];
  const place = crosshair ?? cursor;
  if (corners.length > 0) overlays.push(drawLine([...corners, ...(place ? [place] : [])]));
  if (radius !== undefined && place) overlays.push(drawCircle(place, radius));
  if (crosshair) overlays.push(drawCrosshair(crosshair));
  return (context, px) => overlays.forEach((draw) => draw(context, px));
}

function drawLine(points: readonly Point[]): Overlay {
  const path = new Path2D();
  for (const { x, y } of points) path.lineTo(x, y);
  return drawPath(path);
}

function drawCircle({ x, y }: Point, radius: number): Overlay {
  const path = new Path2D();
  path.arc(x, y, radius, 0, 2 * Math.PI);
  return drawPath(path);
}

const drawPath =
  (path: Path2D): Overlay =>
  (context, px) => {
    for (const [style, width] of [
      ['rgb(0 0 0 / 60%)', 3],
      ['#ffffff', 1.5],
    ] as const) {
      context.strokeStyle = style;
      context.lineWidth = width * px;
      context.stroke(path);
    }
  };
