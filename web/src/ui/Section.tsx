import "./Section.css";
import type { ComponentChildren } from "preact";

/** Section is a part of the page with its heading and what acts on it. */
export function Section({ id, title, note, tools, children }: { id: string; title: string; note?: string; tools?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="section" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          {note && <p class="muted">{note}</p>}
        </div>
        {tools && <div class="section-tools">{tools}</div>}
      </header>
      {children}
    </section>
  );
}
