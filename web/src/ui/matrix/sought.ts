import { signal } from "@preact/signals";

/** Each matrix on the page leaves here how to show one of its pairs, which may be out of sight and so not drawn. */
const matrices = new Set<(pair: string) => boolean>();

/** offerPairs adds a matrix; it answers whether it has the pair, and has then shown it. What is returned takes it away. */
export function offerPairs(show: (pair: string) => boolean): () => void {
  matrices.add(show);
  return () => void matrices.delete(show);
}

/** showPair tells whether a matrix has shown the pair of this key. */
export function showPair(key: string): boolean {
  return [...matrices].some((show) => show(key));
}

/** back is the finding that the reader came from, to be led back to. */
export const back = signal<{ id: string; title: string } | null>(null);
