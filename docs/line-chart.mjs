// Curves as an SVG picture that stands by itself, on light ground as on dark.

const [WIDTH, HEIGHT] = [640, 320];
/** Of the axes' area. */
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 560, 40, 260];
/** Okabe and Ito's, which people tell apart who see few colours. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

/** The next of 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= value);
}

const ticks = (most, count) => Array.from({ length: count + 1 }, (_, at) => (most * at) / count);
const short = (value) => String(Number(value.toPrecision(3)));
const text = (x, y, words, anchor = 'middle') => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

/**
 * Both axes begin at 0.
 * @param {{title: string, x: string, y: string, curves: {name: string, points: [number, number][]}[]}} chart without markup in its texts
 */
export function lineChart({ title, x, y, curves }) {
  const all = curves.flatMap(({ points }) => points);
  const [mostX, mostY] = [0, 1].map((axis) => roundUp(Math.max(...all.map((point) => point[axis]))));
  const place = ([across, up]) => [
    (LEFT + ((RIGHT - LEFT) * across) / mostX).toFixed(1),
    (BOTTOM - ((BOTTOM - TOP) * up) / mostY).toFixed(1),
  ];
  const lines = curves.flatMap(({ name, points }, at) => {
    const colour = COLOURS[at % COLOURS.length];
    const [endX, endY] = place(points.at(-1));
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map((point) => place(point).join(',')).join(' ')}"/>`,
      ...points.map((point) => `<circle fill="${colour}" r="3" cx="${place(point)[0]}" cy="${place(point)[1]}"/>`),
      `<g fill="${colour}">${text(Number(endX) + 8, Number(endY) + 4, name, 'start')}</g>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="${title}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<path d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}" fill="none" stroke="#444444"/>`,
    text((LEFT + RIGHT) / 2, 22, title),
    text((LEFT + RIGHT) / 2, 302, x),
    `<g transform="rotate(-90 18 150)">${text(18, 150, y)}</g>`,
    ...ticks(mostX, 5).map((value) => text(place([value, 0])[0], BOTTOM + 18, short(value))),
    ...ticks(mostY, 5).map((value) => text(LEFT - 8, Number(place([0, value])[1]) + 4, short(value), 'end')),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
