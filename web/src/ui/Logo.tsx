/** Logo is icon.svg drawn in place: a star of candidate pairs around the one that was selected. */
export function Logo() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0a5fb4" />
      <g fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round">
        <path d="M16 5.5v21M6.9 10.75l18.2 10.5M25.1 10.75 6.9 21.25" />
        <circle cx="16" cy="16" r="4.2" fill="#0a5fb4" />
      </g>
    </svg>
  );
}
