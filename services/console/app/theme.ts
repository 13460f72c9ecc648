// Dark or light: the system's, or what was chosen here.

import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'automed.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

const stored = localStorage.getItem(KEY);
export const theme = signal<Theme>(THEMES.find((each) => each === stored) ?? 'system');

effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === 'system') delete dataset['theme'];
  else dataset['theme'] = theme.value;
  localStorage.setItem(KEY, theme.value);
});

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system';
}
