/** Strokes a path so that it shows on bright and dark alike. @param px one CSS pixel in the units of the path */
export function strokeTwice(
  context: CanvasRenderingContext2D,
  px: number,
  path: Path2D,
  colour: string,
  strong: boolean,
): void {
  for (const [style, width] of [
    ['rgb(0 0 0 / 60%)', strong ? 6 : 4],
    [colour, strong ? 4 : 2],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = width * px;
    context.stroke(path);
  }
}
