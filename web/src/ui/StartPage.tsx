import "./StartPage.css";
import { useState } from "preact/hooks";
import { lang, t } from "../i18n";
import { typedCode } from "../model/join";
import type { RoomModel } from "../model/room";
import { info } from "./context";
import { Addresses } from "./join/Addresses";
import { NoWebRTC } from "./NoWebRTC";
import { DropZone } from "./reports/Drop";
import { Machines } from "./RoomPage";
import { enter, failure } from "./session";
import { Turn } from "./Turn";

/** StartPage makes a room or joins one, and shows at once what this browser gathers by itself. */
export function StartPage({ room }: { room: RoomModel | null }) {
  const [name, setName] = useState("");
  const [code, setCode] = useState("");
  const report = room?.snapshot.value;
  const start = (e: Event) => {
    e.preventDefault();
    void enter(name.trim());
  };
  const join = (e: Event) => {
    e.preventDefault();
    const query = new URLSearchParams({ lang: lang(), ...(name.trim() && { name: name.trim() }) });
    room?.leave();
    location.assign(`/r/${encodeURIComponent(typedCode(code))}?${query}`);
  };
  return (
    <>
      {room && <NoWebRTC room={room} />}
      <section class="start card" aria-labelledby="start-title">
        <div class="start-say">
          <h1 id="start-title">{t("start.title")}</h1>
          <p>{t("start.text")}</p>
          <p class="small">
            <a href={`/docs/guide?lang=${lang()}`}>
              {t("start.guide")}
            </a>
          </p>
          <div class="start-addresses" data-testid="start-addresses">
            {info.value && <Addresses links={info.value.links ?? []} />}
          </div>
        </div>
        <div class="start-do stack">
          <label>
            <span>{t("start.name")}</span>
            <input class="field" value={name} maxLength={64} placeholder={t("start.name.example")} onInput={(e) => setName(e.currentTarget.value)} data-testid="start-name" />
          </label>
          <form onSubmit={start}>
            <button type="submit" class="button primary" data-testid="start-create">
              {t("start.create")}
            </button>
          </form>
          <form onSubmit={join} class="start-join">
            <label>
              <span>{t("start.code")}</span>
              <input class="field mono" value={code} required autocapitalize="off" autocomplete="off" autocorrect="off" spellcheck={false} enterkeyhint="go" onInput={(e) => setCode(e.currentTarget.value)} data-testid="start-code" />
            </label>
            <button type="submit" class="button" data-testid="start-join">
              {t("start.join")}
            </button>
          </form>
          {failure.value && (
            <p class="bad" role="alert">
              {failure.value}
            </p>
          )}
        </div>
      </section>
      <Turn>
        {report ? (
          <Machines report={report} own={room?.welcome.value?.peer ?? ""} alone />
        ) : (
          !failure.value && <p class="muted">{t("phase.connecting.text")}</p>
        )}
      </Turn>
      {/* Not before what stands above it: it would be pushed down. */}
      <Turn>{(report || failure.value) && <DropZone />}</Turn>
    </>
  );
}
