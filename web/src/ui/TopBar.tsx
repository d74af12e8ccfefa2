import "./TopBar.css";
import { lang, t } from "../i18n";
import type { RoomModel } from "../model/room";
import { Copy } from "./Copy";
import { Export } from "./Export";
import { Logo } from "./Logo";
import { Sign } from "./Sign";
import { place } from "./reports/place";
import { code, entered, switchLang } from "./session";
import { theme, toggleTheme } from "./theme";
import type { Look } from "./tones";
import { Badge } from "./Badge";
import { Turn } from "./Turn";

const statusLook: Record<string, Look> = {
  connecting: { tone: "info", sign: "spinner" },
  online: { tone: "ok", sign: "check" },
  reconnecting: { tone: "warn", sign: "spinner" },
  gone: { tone: "bad", sign: "cross" },
};

export function TopBar({ room }: { room: RoomModel | null }) {
  const status = room?.status.value.kind ?? "connecting";
  const watching = room?.welcome.value?.kind === "watcher";
  return (
    <header class="topbar">
      <a class="topbar-home" href={`/?lang=${lang()}`} aria-label={t("home")}>
        <Logo />
        <span>icescope</span>
      </a>
      <Turn>
        {entered.value && (
          <div class="topbar-room">
            <span class="hidden-visually">{t("invite.code")}</span>
            <code>{code.value}</code>
            <Copy text={code.value} />
          </div>
        )}
        {place.value.at === "room" && (
          <span class="topbar-status" data-testid="status" data-status={status}>
            <Badge look={statusLook[status]!} text={t(`status.${status}`)} />
            {watching && <Badge look={{ tone: "info", sign: "eye" }} text={t("status.watching")} />}
          </span>
        )}
        <div class="topbar-tools">
          {!entered.value && (
            <a class="button quiet" href={`/reports?lang=${lang()}`} aria-current={place.value.at === "list" ? "page" : undefined}>
              {t("reports.link")}
            </a>
          )}
          {entered.value && room?.snapshot.value && <Export room={code.value} />}
          <button type="button" class="button" onClick={switchLang} lang={lang() === "ja" ? "en" : "ja"} data-testid="lang">
            {lang() === "ja" ? "English" : "日本語"}
          </button>
          <button type="button" class="button quiet" onClick={toggleTheme} aria-label={t(theme.value === "dark" ? "theme.light" : "theme.dark")} data-testid="theme">
            <Sign name={theme.value === "dark" ? "sun" : "moon"} size={16} />
          </button>
        </div>
      </Turn>
    </header>
  );
}
