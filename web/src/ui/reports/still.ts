import { signal } from "@preact/signals";
import type { RoomModel } from "../../model/room";
import { foldSeries, type SeriesFold } from "../../model/series";
import type { Event, ProtocolError, Report, Welcome } from "../../protocol.gen";

/** stillRoom is a room in which nothing happens any more: what draws a live one draws a finished report of it. Its reader takes no part. */
export function stillRoom(report: Report, events: readonly Event[]): RoomModel {
  let series: SeriesFold | undefined;
  return {
    status: signal({ kind: "online" }),
    welcome: signal<Welcome | null>({ room: report.room, peer: "", kind: "watcher", resume: "", resumeSeconds: 0, received: 0, version: report.tool.version }),
    snapshot: signal(report),
    events: signal(events),
    get series() {
      return (series ??= foldSeries(events)); // when the plots are there
    },
    lastError: signal<ProtocolError | null>(null),
    gathering: signal({ state: "complete", candidates: 0 }),
    capturing: signal(false),
    natTrial: signal(""),
    webRTCError: "",
    run() {},
    reveal: () => Promise.reject(new Error("finished")),
    release() {},
    watch() {},
    leave() {},
  };
}
