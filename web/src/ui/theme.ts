import { signal } from "@preact/signals";

export type Theme = "light" | "dark";

const key = "icescope.theme";
const system = (): Theme => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

export const theme = signal<Theme>("light");

/** loadTheme follows the system until the reader has chosen once. */
export function loadTheme(): void {
  const stored = read();
  theme.value = stored ?? system();
  if (stored) document.documentElement.dataset["theme"] = stored;
}

export function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme.value;
  try {
    localStorage.setItem(key, theme.value);
  } catch {
    // Storage is switched off in some kiosks: the choice then holds until the page is closed.
  }
}

function read(): Theme | null {
  try {
    const stored = localStorage.getItem(key);
    return stored === "light" || stored === "dark" ? stored : null;
  } catch {
    return null;
  }
}
