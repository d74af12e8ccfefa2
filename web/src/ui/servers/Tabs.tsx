import { useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { moved } from "../matrix/grid";

/** Tabs is one panel of several (WAI-ARIA APG, tabs that follow the focus): the arrow keys move, Home and End lead to the ends. */
export function Tabs<T extends string>(props: { id: string; label: string; values: readonly T[]; value: T; text: (value: T) => string; onChange: (to: T) => void; tools?: ComponentChildren; children: ComponentChildren }) {
  const { id, label, values, value, text, onChange, tools, children } = props;
  const list = useRef<HTMLDivElement>(null);
  const keyed = (e: KeyboardEvent) => {
    const at = values.indexOf(value);
    const to = e.key.startsWith("Arrow") && /Up|Down/.test(e.key) ? null : moved(e.key, { row: 0, col: at }, { rows: 1, cols: values.length }, 1, false);
    if (!to || e.key.startsWith("Page")) return;
    e.preventDefault();
    // Past the end it goes on at the beginning.
    const next = to.col !== at || e.key === "Home" || e.key === "End" ? to.col : e.key === "ArrowRight" ? 0 : values.length - 1;
    onChange(values[next]!);
    (list.current!.children[next] as HTMLElement).focus();
  };
  return (
    <div class="tabs">
      <div class="tabs-head apart">
        <div ref={list} class="tabs-list" role="tablist" aria-label={label} onKeyDown={keyed}>
          {values.map((v) => (
            <button
              key={v}
              type="button"
              role="tab"
              id={`${id}-tab-${v}`}
              aria-controls={`${id}-panel`}
              aria-selected={v === value}
              tabIndex={v === value ? 0 : -1}
              onClick={() => onChange(v)}
              data-testid={`${id}-${v}`}
            >
              {text(v)}
            </button>
          ))}
        </div>
        {tools}
      </div>
      <div id={`${id}-panel`} class="tabs-panel" role="tabpanel" aria-labelledby={`${id}-tab-${value}`}>
        {children}
      </div>
    </div>
  );
}
