import "./Sparkline.css";

/** Sparkline draws the round trips in their order; the number beside it is what is read. */
export function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 2) return null;
  const top = Math.max(...values);
  const points = values.map((v, i) => `${((i / (values.length - 1)) * 58 + 1).toFixed(1)},${(15 - (top ? v / top : 0) * 13).toFixed(1)}`);
  return (
    <svg class="sparkline" width="60" height="16" viewBox="0 0 60 16" aria-hidden="true">
      <polyline points={points.join(" ")} />
    </svg>
  );
}
