import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { Report } from "../protocol.gen";
import { useRoom } from "./context";
import { cheapest } from "./format";
import { Sign } from "./Sign";
import { Choice } from "./TrialFilter";

const minutes = [1, 5];

/** HoldFor asks for a run that keeps the cheapest connection that works up for a while. Its name tells two of them apart. */
export function HoldFor({ report, disabled, name }: { report: Report; disabled: boolean; name: string }) {
  const room = useRoom();
  const [n, setN] = useState(1);
  const hold = () => room.run({ experiment: "hold", holdMs: n * 60_000, trials: [cheapest(report) ?? "stun"] });
  return (
    <div class="row">
      <Choice name={`hold-${name}`} testid={`${name}-hold`} legend={t("hold.long")} values={minutes} value={n} text={(m) => t("hold.minutes", { n: m })} onChange={setN} disabled={disabled} />
      <button type="button" class="button" disabled={disabled} onClick={hold} data-testid={`${name}-run-hold`}>
        <Sign name="wait" /> {t("hold.start")}
      </button>
    </div>
  );
}

/** Watch offers the same to whoever is not asked to: some firewalls forget a connection only after it has worked. */
export function Watch({ report, disabled }: { report: Report; disabled: boolean }) {
  return (
    <details class="custom card">
      <summary>{t("hold.title")}</summary>
      <div class="stack">
        <p>{t(cheapest(report) ? "hold.text" : "hold.none")}</p>
        <HoldFor report={report} disabled={disabled || !cheapest(report)} name="watch" />
      </div>
    </details>
  );
}
