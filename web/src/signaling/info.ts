// What the server says of itself and of this page's request, asked once.
import type { Info } from "../protocol.gen";

let asked: Promise<Info> | null = null;

/** serverInfo rejects where the server gave none. */
export function serverInfo(): Promise<Info> {
  return (asked ??= (async () => {
    const answer = await fetch("/api/v1/info");
    if (!answer.ok) throw new Error(`/api/v1/info: HTTP ${answer.status}`);
    return (await answer.json()) as Info;
  })());
}
