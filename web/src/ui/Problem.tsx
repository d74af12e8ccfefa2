import "./Problem.css";
import { t, word } from "../i18n";
import type { RoomModel, Status } from "../model/room";
import { failure, replaceRoom } from "./session";
import { Sign } from "./Sign";

type Gone = Extract<Status, { kind: "gone" }>;

/** fresh are the reasons after which this room cannot be had any more; after all others, loading the page again may help. */
const fresh = ["unknown-room", "room-full", "expired", "too-many-watchers", "left"];

/** Problem says why the page stands outside of its room, and what can be done. */
export function Problem({ gone, room }: { gone: Gone; room: RoomModel }) {
  return (
    <section class="problem card" data-tone={gone.reason === "left" ? "idle" : "warn"} data-testid="problem" data-reason={gone.reason} role="alert">
      <Sign name="warning" size={28} />
      <div>
        <h1>{word("gone", gone.reason)}</h1>
        <p>{word("gone", `${gone.reason}.text`)}</p>
        <div class="row">
          {gone.reason === "room-full" && (
            <button type="button" class="button primary" onClick={() => room.watch()} data-testid="watch">
              <Sign name="eye" /> {t("action.watch")}
            </button>
          )}
          {fresh.includes(gone.reason) ? (
            <button type="button" class={gone.reason === "room-full" ? "button" : "button primary"} onClick={() => void replaceRoom()} data-testid="new-room">
              {t("action.newroom")}
            </button>
          ) : (
            <button type="button" class="button primary" onClick={() => location.reload()} data-testid="reload">
              <Sign name="again" /> {t("action.reload")}
            </button>
          )}
        </div>
        {failure.value && <p class="bad">{failure.value}</p>}
      </div>
    </section>
  );
}
