import { Copy } from "./Copy";

/** Code is text to be taken elsewhere: a command, a line of a configuration. */
export function Code({ text, label, testid }: { text: string; label: string; testid: string }) {
  return (
    <div class="apart">
      <pre class="mono" tabIndex={0} role="region" aria-label={label} data-testid={testid}>
        {text}
      </pre>
      <Copy text={text} testid={`copy-${testid}`} />
    </div>
  );
}
