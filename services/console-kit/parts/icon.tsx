// Line icons of 24 x 24.

const PATHS = {
  sparkle:
    'M12 3l1.800 5.200L19 10l-5.200 1.800L12 17l-1.800-5.200L5 10l5.200-1.800zM19 16l.800 2.200L22 19l-2.200.800L19 22l-.800-2.200L16 19l2.200-.800z',
  target: 'M12 3v4M12 17v4M3 12h4M17 12h4M12 8a4 4 0 100 8 4 4 0 000-8z',
  stack: 'M12 3l9 5-9 5-9-5zM3 13l9 5 9-5',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  columns: 'M4 4h7v16H4zM13 4h7v16h-7z',
  inbox: 'M4 13l2-8h12l2 8v6H4zM4 13h5l1 3h4l1-3h5',
  gauge: 'M4 18a9 9 0 1116 0M12 14l4-5',
  check: 'M4 12l5 5L20 6',
  polygon: 'M12 3l9 7-4 11H7L3 10z',
  cross: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  outside: 'M12 3a9 9 0 100 18 9 9 0 000-18zM8 12h8',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  contrast: 'M12 3a9 9 0 100 18 9 9 0 000-18zM12 3v18M12 7h7M12 12h9M12 17h7',
  hand: 'M8 12V6a1.500 1.500 0 013 0v5M11 11V4.500a1.500 1.500 0 013 0V11M14 11V6a1.500 1.500 0 013 0v8a6 6 0 01-6 6c-3 0-4.500-1.500-6-4l-2-3.500a1.500 1.500 0 012.500-1.500L8 14',
  invert: 'M12 3s7 7 7 11a7 7 0 01-14 0c0-4 7-11 7-11zM12 3v18',
  play: 'M7 4l13 8-13 8z',
  pause: 'M8 5v14M16 5v14',
  upload: 'M12 16V4M7 9l5-5 5 5M4 16v4h16v-4',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 100 6 3 3 0 000-6z',
  eyeOff: 'M3 3l18 18M10 6c7-2 12 6 12 6s-1 2-3 4M6 7c-3 2-4 5-4 5s4 7 10 7c1.500 0 3-.400 4-1',
  undo: 'M9 6L4 11l5 5M4 11h10a5 5 0 010 10h-3',
  redo: 'M15 6l5 5-5 5M20 11H10a5 5 0 000 10h3',
  box: 'M5 5h14v14H5z',
  brush: 'M4 20c3 0 5-1 5-4l9-11a2 2 0 013 3L11 18',
  point: 'M12 9a3 3 0 100 6 3 3 0 000-6z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  download: 'M12 4v12M7 11l5 5 5-5M4 20h16',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M19 5l-1.500 1.500M6.500 17.500L5 19',
  moon: 'M20 14A8 8 0 1110 4a6.500 6.500 0 0010 10z',
  auto: 'M12 3a9 9 0 100 18zM12 3a9 9 0 010 18',
  back: 'M19 12H5M11 6l-6 6 6 6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
