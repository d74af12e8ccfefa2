import "./Compared.css";
import { lang } from "../../i18n";
import type { Comparison } from "../../protocol.gen";

/** when is a moment as the reader writes it. */
export function when(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : new Intl.DateTimeFormat(lang(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** Compared is what two reports say differently, as the server has written it (compare/html.go). Only the browser knows its reader's time zone. */
export function Compared({ comparison: { html = "" } }: { comparison: Comparison }) {
  return <div dangerouslySetInnerHTML={{ __html: html.replace(/(<time[^>]* datetime="(.*?)">)[^<]*/g, (_, tag: string, at: string) => tag + when(at)) }} />;
}
