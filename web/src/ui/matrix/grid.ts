// The arithmetic of tables that are larger than what can be seen of them.

/** A step of a key in a table of rows and columns; null: the key does not move. */
export function moved(key: string, at: { row: number; col: number }, size: { rows: number; cols: number }, page: number, ctrl: boolean): { row: number; col: number } | null {
  const to = { ...at };
  if (key === "ArrowDown") to.row++;
  else if (key === "ArrowUp") to.row--;
  else if (key === "ArrowRight") to.col++;
  else if (key === "ArrowLeft") to.col--;
  else if (key === "PageDown") to.row += page;
  else if (key === "PageUp") to.row -= page;
  else if (key === "Home") [to.row, to.col] = [ctrl ? 0 : to.row, 0];
  else if (key === "End") [to.row, to.col] = [ctrl ? size.rows - 1 : to.row, size.cols - 1];
  else return null;
  const within = (n: number, count: number) => Math.max(0, Math.min(count - 1, n));
  return { row: within(to.row, size.rows), col: within(to.col, size.cols) };
}

/** Drawn beyond what is seen, so that a short way of scrolling draws nothing. */
const BEYOND = 1;
/** What is drawn moves in steps, so that not every pixel of scrolling draws anew. */
const STEP = 2;

/** seen is which of count equal parts stand in a window, from included, to excluded. */
export function seen(scrolled: number, visible: number, part: number, count: number): { from: number; to: number } {
  const from = Math.floor((Math.floor(scrolled / part) - BEYOND) / STEP) * STEP;
  const to = Math.ceil((Math.ceil((scrolled + visible) / part) + BEYOND) / STEP) * STEP;
  return { from: Math.max(0, Math.min(from, count)), to: Math.max(0, Math.min(to, count)) };
}
