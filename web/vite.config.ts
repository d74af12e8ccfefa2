import { defineConfig, type Plugin } from "vitest/config";
import { pack } from "./dev/pack.ts";
import { short } from "./dev/short.ts";
import { slimLibraries } from "./dev/slim.ts";
import { stories } from "./dev/stories.ts";

/** fromTheStart: main.tsx, which boot.ts starts, and what it imports without import(). */
function fromTheStart(id: string, info: (id: string) => { importers: string[] } | null, seen = new Set<string>()): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  return id.endsWith("/src/main.tsx") || (info(id)?.importers ?? []).some((by) => fromTheStart(by, info, seen));
}

/** plainImports takes out what Vite puts around each import() to load its style sheet with it: there is one for all. */
function plainImports(): Plugin {
  return { name: "plain-imports", enforce: "pre", load: (id) => (id.includes("vite/preload-helper") ? "export const __vitePreload = (load) => load();" : undefined) };
}

/** preloadPage lets the browser fetch what boot.ts starts together with boot.ts. */
function preloadPage(): Plugin {
  return {
    name: "preload-page",
    transformIndexHtml: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((file) => /\/(main|page)-[^/]+\.js$/.test(file))
        .map((file) => ({ tag: "link", attrs: { rel: "modulepreload", href: `/${file}` }, injectTo: "head" as const })),
  };
}

// The page is served with a strict Content-Security-Policy (server/headers.go): no inline script or style, no data: URL. So nothing is inlined, whatever its size.
export default defineConfig({
  plugins: [short(), slimLibraries(), stories(), plainImports(), preloadPage(), pack()],
  build: {
    target: "es2022",
    cssTarget: ["chrome94", "edge94", "firefox94", "safari16.4", "ios16.4"], // the first that run es2022
    assetsInlineLimit: 0,
    modulePreload: false, // preloadPage says what is preloaded; all else comes alone
    // One style sheet, and one file for all that is there from the start: together they compress better, and each file is a request.
    cssCodeSplit: false,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "boot", test: /preload-helper|src\/boot/, priority: 1 }, { name: (id, graph) => (fromTheStart(id, (m) => graph.getModuleInfo(m)) ? "page" : null) }] } } },
    // dist/.gitignore stays there, so that `go build` has something to embed on a fresh clone; the build script removes the rest.
    emptyOutDir: false,
  },
  server: {
    proxy: {
      "/api": "http://localhost:8080",
      "/ws": { target: "ws://localhost:8080", ws: true },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
});
