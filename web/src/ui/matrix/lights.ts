import { useLayoutEffect } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { lit } from "../../model/focus";

/**
 * useLights marks the elements in a box whose data-key is lit with data-lit. It writes to the page past the components: two thousand of them drawn anew at each
 * movement of the mouse would be felt.
 */
export function useLights(box: RefObject<HTMLElement | null>, of: "candidates" | "pairs"): void {
  const apply = (keys: ReadonlySet<string>) => {
    for (const e of box.current?.querySelectorAll<HTMLElement>("[data-key]") ?? []) {
      const on = keys.has(e.dataset.key!);
      if (on !== "lit" in e.dataset) e.toggleAttribute("data-lit", on);
    }
  };
  useSignalEffect(() => apply(lit.value[of]));
  useLayoutEffect(() => apply(lit.peek()[of])); // what was just drawn may be lit already
}
