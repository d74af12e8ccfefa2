import { Sign } from "./Sign";
import type { Look } from "./tones";

/** Badge says a state three times: in colour, in a sign, in a word. */
export function Badge({ look, text, title }: { look: Look; text: string; title?: string }) {
  return (
    <span class="badge sign-word" data-tone={look.tone} title={title}>
      <Sign name={look.sign} size={12} />
      {text}
    </span>
  );
}
