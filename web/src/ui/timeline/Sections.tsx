import "./Sections.css";
import { t } from "../../i18n";
import type { Report } from "../../protocol.gen";
import { Section } from "../Section";
import { Later } from "./Later";

const timeline = async () => ({ default: (await import("./parts")).Timeline });
const plots = async () => ({ default: (await import("./parts")).Plots });

/** OverTime are the parts of the page that show when things happened. */
export function OverTime({ report }: { report: Report }) {
  return (
    <>
      <Section id="timeline" title={t("timeline.title")} note={t("timeline.note")}>
        <Later load={timeline} place="place-timeline" props={{}} />
        <p class="on-paper">{t("timeline.paper")}</p>
      </Section>
      <Section id="plots" title={t("plots.title")} note={t("plots.note")}>
        <Later load={plots} place="place-plots" props={{ report }} />
      </Section>
    </>
  );
}
