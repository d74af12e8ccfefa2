const probes = ["text", "muted", "accent", "ok", "warn", "bad", "violet", "line", "ground", "band", "lit"];

/** Probes wear the page's colours for useInks to read. */
export function Probes() {
  return (
    <div hidden aria-hidden="true">
      {probes.map((ink) => (
        <i key={ink} data-ink={ink} class="probe" />
      ))}
    </div>
  );
}
