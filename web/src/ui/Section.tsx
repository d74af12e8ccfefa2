import "./Section.css";
import type { ComponentChildren } from "preact";

/** Section is a part of the page with its heading and what acts on it. While it measures, it keeps room for what is to come. */
export function Section({ id, title, note, tools, measuring, children }: { id: string; title: string; note?: string; tools?: ComponentChildren; measuring?: boolean; children: ComponentChildren }) {
  return (
    <section class="section stack" id={id} aria-labelledby={`${id}-title`} data-measuring={measuring || undefined}>
      <header class="apart">
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          {note && <p class="muted">{note}</p>}
        </div>
        {tools && <div class="section-tools row tight">{tools}</div>}
      </header>
      {children}
    </section>
  );
}
