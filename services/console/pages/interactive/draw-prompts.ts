// Prompts on the image: green what is inside, red what is outside, and a sign that does not need the colour.

import type { Overlay } from '../../../console-kit/viewer/renderer';
import { strokeTwice } from '../../../console-kit/viewer/stroke';
import type { Point } from '../../../console-kit/viewer/view';
import type { Prompt } from './prompts';

const INSIDE = '#35d07f';
const OUTSIDE = '#ff6b6b';

export function drawPrompts(prompts: readonly Prompt[], highlighted?: number): Overlay {
  return (context, px) => {
    prompts.forEach((prompt, index) => drawOne(context, px, prompt, index === highlighted));
  };
}

/** Where the keyboard points. */
export function drawCrosshair({ x, y }: Point): Overlay {
  return (context, px) => {
    const arm = 12 * px;
    const path = new Path2D();
    path.moveTo(x - arm, y);
    path.lineTo(x + arm, y);
    path.moveTo(x, y - arm);
    path.lineTo(x, y + arm);
    strokeTwice(context, px, path, '#ffffff', false);
  };
}

function drawOne(context: CanvasRenderingContext2D, px: number, prompt: Prompt, strong: boolean): void {
  context.lineCap = 'round';
  context.lineJoin = 'round';
  if (prompt.kind === 'point') drawPoint(context, px, prompt.at, prompt.positive, strong);
  if (prompt.kind === 'box') {
    const { from, to } = prompt;
    const path = new Path2D();
    path.rect(from.x, from.y, to.x - from.x, to.y - from.y);
    strokeTwice(context, px, path, INSIDE, strong);
  }
  if (prompt.kind === 'scribble') {
    const path = new Path2D();
    for (const { x, y } of prompt.path) path.lineTo(x, y);
    strokeTwice(context, px, path, prompt.positive ? INSIDE : OUTSIDE, strong);
  }
}

function drawPoint(
  context: CanvasRenderingContext2D,
  px: number,
  { x, y }: Point,
  positive: boolean,
  strong: boolean,
): void {
  const radius = (strong ? 9 : 7) * px;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = positive ? INSIDE : OUTSIDE;
  context.fill();
  context.lineWidth = 1.5 * px;
  context.strokeStyle = '#0b1015';
  context.stroke();
  context.beginPath();
  const arm = radius * 0.5;
  context.moveTo(x - arm, y);
  context.lineTo(x + arm, y);
  if (positive) {
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
  }
  context.stroke();
}
