import "./Drop.css";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { Sign } from "../Sign";
import { bring, MAX_FILES } from "./data";

/** takes sends what was dropped or chosen, and says why it does not. */
function takes(list: FileList | null | undefined, complain: (why: string) => void): void {
  const files = [...(list ?? [])];
  if (files.length === 0) return;
  if (files.length > MAX_FILES) return complain(t("drop.many"));
  complain("");
  void bring(files);
}

/** DropZone takes files anywhere on the page, by dropping, and by a button for who has no mouse. */
export function DropZone() {
  const [over, setOver] = useState(false);
  const [why, setWhy] = useState("");
  const input = useRef<HTMLInputElement>(null);
  // Before it is painted: a file that falls the moment it shows must not be opened by the browser.
  useLayoutEffect(() => {
    let depth = 0; // enter and leave come for every element on the way
    const files = (e: DragEvent) => e.dataTransfer?.types.includes("Files") ?? false;
    const enter = (e: DragEvent) => files(e) && ++depth && setOver(true);
    const leave = (e: DragEvent) => files(e) && --depth <= 0 && setOver(false);
    const allow = (e: DragEvent) => files(e) && e.preventDefault();
    const drop = (e: DragEvent) => {
      if (!files(e)) return;
      e.preventDefault();
      depth = 0;
      setOver(false);
      takes(e.dataTransfer?.files, setWhy);
    };
    const on = { dragenter: enter, dragleave: leave, dragover: allow, drop };
    for (const [name, f] of Object.entries(on)) addEventListener(name, f as EventListener);
    return () => {
      for (const [name, f] of Object.entries(on)) removeEventListener(name, f as EventListener);
    };
  }, []);
  return (
    <section class="drop vacant row" aria-labelledby="drop-title" data-over={over || undefined} data-testid="drop">
      <Sign name="download" size={22} />
      <div>
        <h2 id="drop-title">{t("drop.title")}</h2>
        <p class="muted">{t("drop.text")}</p>
        {why && (
          <p class="bad" role="alert">
            {why}
          </p>
        )}
      </div>
      <button type="button" class="button" onClick={() => input.current?.click()}>
        {t("drop.choose")}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(e) => {
          takes(e.currentTarget.files, setWhy);
          e.currentTarget.value = "";
        }}
      />
      {over && (
        <div class="drop-over" aria-hidden="true">
          <p>{t("drop.over")}</p>
        </div>
      )}
    </section>
  );
}
