import "./ui/theme.css";
import "./ui/base.css";
import { render } from "preact";
import { lang, pickLang, setLang } from "./i18n";
import { App } from "./ui/App";
import { begin, entered } from "./ui/session";
import { loadTheme } from "./ui/theme";

const at = new URL(location.href);
const texts = setLang(pickLang(at.searchParams.get("lang"), navigator.languages));
document.documentElement.lang = lang();
loadTheme();

const fixture = import.meta.env.DEV && at.searchParams.get("fixture");
if (fixture) {
  // Only in development: the page drawn from a snapshot that stands in the sources.
  const { showFixture } = await import("./ui/fixtures/show");
  showFixture(fixture);
} else {
  void begin(at);
}

// Back from a room to the start page: a page load is the plainest way to leave a room. A link within the page is no such way.
addEventListener("popstate", () => location.pathname.startsWith("/r/") !== entered.value && location.reload());

await texts;
render(<App />, document.getElementById("app")!);
