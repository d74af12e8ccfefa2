import "./Sign.css";
import { t } from "../i18n";

/** The signs, on a grid of 16, drawn with one stroke. */
const paths = {
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  dash: "M3.5 8h9",
  question: "M5.6 5.8a2.5 2.5 0 1 1 3.7 2.2c-.9.5-1.3 1-1.3 1.9M8 12.4v.1",
  warning: "M8 2.2 14.3 13H1.7zM8 6.4v3M8 11.2v.1",
  info: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 7.4v3.6M8 5v.1",
  spinner: "M8 1.8a6.2 6.2 0 1 1-6.2 6.2",
  silence: "M2.2 8h1.6M7.2 8h1.6M12.2 8h1.6",
  right: "M2 8h11M9 4l4 4-4 4",
  left: "M14 8H3M7 4 3 8l4 4",
  lost: "M14 8H9M7 5.5l-4 5M3 5.5l4 5",
  bent: "M2 4.5h7.5a3.5 3.5 0 0 1 0 7H4M7 8.5l-3 3 3 3",
  hidden: "M2 8s2.2-3.8 6-3.8S14 8 14 8s-2.2 3.8-6 3.8S2 8 2 8zM3 13 13 3",
  server: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5v.1M5 11v.1",
  antenna: "M8 8v6.4M5.6 10.4a3.4 3.4 0 1 1 4.8 0M3.6 12.4a6.2 6.2 0 1 1 8.8 0",
  relay: "M2.4 5.6h3M10.6 5.6h3M5.4 3.2h5.2v4.8H5.4zM2.4 12.5h11.2M11.6 10.5l2 2-2 2",
  copy: "M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3",
  download: "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  again: "M13 8a5 5 0 1 1-1.6-3.7M13.2 1.8v2.8h-2.8",
  swap: "M2.5 5.5h10M9.8 2.8l2.7 2.7-2.7 2.7M13.5 10.5h-10M6.2 7.8l-2.7 2.7 2.7 2.7",
  sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1.2v1.2M8 13.6v1.2M1.2 8h1.2M13.6 8h1.2M3.2 3.2l.9.9M11.9 11.9l.9.9M12.8 3.2l-.9.9M4.1 11.9l-.9.9",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z",
  star: "M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5z",
  wait: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.6V8l2.4 1.6",
  share: "M8 10V2M5 5l3-3 3 3M3.5 8v5.5h9V8",
  eye: "M2 8s2.2-3.8 6-3.8S14 8 14 8s-2.2 3.8-6 3.8S2 8 2 8zM8 6.3a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z",
} as const;

export type SignName = keyof typeof paths;

/** Way is from one to another, said to a screen reader too. */
export function Way({ from, to }: { from: string; to: string }) {
  return (
    <>
      {from} <Sign name="right" size={12} />
      <span class="hidden-visually">{t("to")}</span> {to}
    </>
  );
}

/** Sign is decoration: a word stands beside it wherever it means something. */
export function Sign({ name, size = 14 }: { name: SignName; size?: number }) {
  return (
    <svg class={name === "spinner" ? "sign spin" : "sign"} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
