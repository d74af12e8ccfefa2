import { defineConfig } from "vitest/config";
import { slimPlots } from "./dev/slim.ts";
import { stories } from "./dev/stories.ts";

// The page is served with a strict Content-Security-Policy (server/headers.go): no inline script or style, no data: URL. So nothing is inlined, whatever its size.
export default defineConfig({
  plugins: [slimPlots(), stories()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
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
