// The page as it travels: beside each file the same one packed by Zopfli, which takes the time to make gzip some 4 % smaller than zlib's best. The server hands it out as it is (server/page.go).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** LEAST_BYTES: below it the headers of gzip and of HTTP take what is won. */
const LEAST_BYTES = 256;
/** Beyond so many turns Zopfli finds nothing more worth naming. */
const TURNS = 15;

export const packable = /\.(html|js|css|svg)$/;

export function pack(): Plugin {
  return {
    name: "pack",
    apply: "build",
    async writeBundle({ dir }) {
      const { gzipAsync } = await import("@gfx/zopfli");
      for (const name of readdirSync(dir!, { recursive: true, encoding: "utf8" })) {
        if (!packable.test(name)) continue;
        const file = readFileSync(join(dir!, name));
        if (file.length >= LEAST_BYTES) writeFileSync(join(dir!, `${name}.gz`), await gzipAsync(file, { numiterations: TURNS }));
      }
    },
  };
}
