import { t } from "../i18n";
import { openAround } from "./context";
import { show } from "./FindingBody";
import { back } from "./matrix/sought";
import { Sign } from "./Sign";

/** FindingsBack leads back to the evidence that the reader came from. */
export function FindingsBack() {
  const from = back.value;
  if (!from) return null;
  const away = () => (back.value = null);
  return (
    <div class="findings-back card">
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          const evidence = document.getElementById(from.id);
          away();
          if (!evidence) return;
          openAround(evidence);
          show(evidence);
        }}
      >
        <Sign name="left" />
        <span class="cut">{t("findings.back", { title: from.title })}</span>
      </button>
      <button type="button" class="button quiet" onClick={away} aria-label={t("close")}>
        <Sign name="cross" />
      </button>
    </div>
  );
}
