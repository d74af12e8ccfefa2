// The page as it travels. Scripts go through a second minifier, which finds a kilobyte more in what the first has left; beside each file stands the same one packed by Zopfli, which takes the time to make gzip
// some 4 % smaller than zlib's best. The server hands it out as it is (server/page.go).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** LEAST_BYTES: below it the headers of gzip and of HTTP take what is won. */
const LEAST_BYTES = 256;
/** Beyond so many turns Zopfli finds nothing more worth naming. */
const TURNS = 15;

/** What is taken for granted beyond the language holds here: only classes are made with new, and no getter acts. */
const compress = { passes: 3, inline: 1, unsafe_arrows: true, pure_getters: true, keep_fargs: false } as const;

export const packable = /\.(html|js|css|svg)$/;

export function pack(): Plugin {
  return {
    name: "pack",
    apply: "build",
    async writeBundle({ dir }) {
      const [{ gzipAsync }, { minify }] = await Promise.all([import("@gfx/zopfli"), import("terser")]);
      for (const name of readdirSync(dir!, { recursive: true, encoding: "utf8" })) {
        if (!packable.test(name)) continue;
        const path = join(dir!, name);
        if (name.endsWith(".js")) writeFileSync(path, (await minify(readFileSync(path, "utf8"), { module: true, ecma: 2020, compress })).code!);
        const file = readFileSync(path);
        if (file.length >= LEAST_BYTES) writeFileSync(`${path}.gz`, await gzipAsync(file, { numiterations: TURNS }));
      }
    },
  };
}
