import { defineConfig } from "vitest/config";
import { slimPlots } from "./dev/slim.ts";
import { stories } from "./dev/stories.ts";

/** fromTheStart: the entry, and what it imports without import(). */
function fromTheStart(id: string, info: (id: string) => { isEntry: boolean; importers: string[] } | null, seen = new Set<string>()): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  const { isEntry, importers } = info(id) ?? { isEntry: false, importers: [] };
  return isEntry || importers.some((by) => fromTheStart(by, info, seen));
}

// The page is served with a strict Content-Security-Policy (server/headers.go): no inline script or style, no data: URL. So nothing is inlined, whatever its size.
export default defineConfig({
  plugins: [slimPlots(), stories()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One style sheet, and one file for all that is there from the start: together they compress better, and each file is a request.
    cssCodeSplit: false,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: (id, graph) => (fromTheStart(id, (m) => graph.getModuleInfo(m)) ? "page" : null) }] } } },
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
