import { signal } from "@preact/signals";

/** sought is the key of a pair that somebody asked to see. The matrix that has it shows it and clears this. */
export const sought = signal("");

/** back is the finding that the reader came from, to be led back to. */
export const back = signal<{ id: string; title: string } | null>(null);
