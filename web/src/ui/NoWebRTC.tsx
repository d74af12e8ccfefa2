import "./Problem.css";
import { t } from "../i18n";
import type { RoomModel } from "../model/room";
import { Sign } from "./Sign";

/** NoWebRTC says at once that this browser makes no RTCPeerConnection. The page stays in its room: that, too, is a diagnosis. */
export function NoWebRTC({ room }: { room: RoomModel }) {
  if (!room.webRTCError) return null;
  return (
    <section class="problem card" data-tone="bad" data-testid="no-webrtc" role="alert">
      <Sign name="cross" size={28} />
      <div>
        <h1>{t("nowebrtc.title")}</h1>
        <p>{t("nowebrtc.text")}</p>
        <p class="mono small">{room.webRTCError}</p>
      </div>
    </section>
  );
}
