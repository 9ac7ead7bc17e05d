import { effect, signal } from '@preact/signals';

/** As the system has it, or as somebody chose. */
export type Theme = 'system' | 'light' | 'dark';

const name = 'weft-theme';
const stored = localStorage.getItem(name);

export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');
const dark = matchMedia('(prefers-color-scheme: dark)');
const system = signal(dark.matches);
dark.addEventListener('change', () => {
  system.value = dark.matches;
});

/** Whether dark is what is shown. */
export const isDark = signal(false);

effect(() => {
  isDark.value = theme.value === 'system' ? system.value : theme.value === 'dark';
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
  if (theme.value === 'system') localStorage.removeItem(name);
  else localStorage.setItem(name, theme.value);
});
