import "./ui/theme.css";
import "./ui/base.css";
import { render } from "preact";
import { lang, pickLang, setLang } from "./i18n";
import { serverInfo } from "./signaling/info";
import { App } from "./ui/App";
import { left, place } from "./ui/reports/place";
import { begin, entered } from "./ui/session";
import { loadTheme } from "./ui/theme";

const at = new URL(location.href);
const texts = setLang(pickLang(at.searchParams.get("lang"), navigator.languages));
document.documentElement.lang = lang();
loadTheme();

/** INFO_MS is for a server on another continent; on a closed network it answers before the language is loaded. */
const INFO_MS = 150;
let asked: Promise<unknown> = Promise.resolve();
const fixture = import.meta.env.DEV && at.searchParams.get("fixture");
if (fixture) {
  // Only in development: the page drawn from a snapshot that stands in the sources.
  const { showFixture } = await import("./ui/fixtures/show");
  showFixture(fixture);
} else {
  void begin(at);
  asked = serverInfo().catch(() => undefined);
}

// Back from a room to the start page: a page load is the plainest way to leave a room. A link within the page is no such way.
addEventListener("popstate", (e) => (location.pathname.startsWith("/r/") !== entered.value || left(place.value, new URL(location.href), e.state)) && location.reload());

// What the links say depends on the server's addresses: a page that is drawn before it knows them would move under the reader.
await Promise.race([Promise.all([texts, asked]), texts.then(() => new Promise((resolve) => setTimeout(resolve, INFO_MS)))]);
render(<App />, document.getElementById("app")!);
