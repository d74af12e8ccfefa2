// The head of the page stands in index.html and is painted first: what the page is made of would take the processor before the browser has shown anything.

/** PAINT_MS is for a page that is covered by another window before its first frame: browsers give it none then. */
const PAINT_MS = 200;

const start = () => void import("./main");
if (document.hidden) start();
else {
  const late = setTimeout(start, PAINT_MS);
  // The frame's callback comes before its paint, a task that it asks for comes after it.
  requestAnimationFrame(() => setTimeout(() => (clearTimeout(late), start())));
}
