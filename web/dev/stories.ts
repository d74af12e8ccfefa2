// Only for `npm run dev`: /r/x?fixture=story-NAME draws the lab's recording diagnosis/testdata/NAME.txtar, as if it had streamed in. Nothing of it is built into the page.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Plugin } from "vite";

const root = join(import.meta.dirname, "../..");

export function stories(): Plugin {
  return {
    name: "stories",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use("/stories/", (req, res, next) => {
        const [, name, kind, lang] = /^\/?([a-z0-9-]+)\.(jsonl|json)(?:\?lang=(en|ja))?$/.exec(req.url ?? "") ?? [];
        const path = join(root, `diagnosis/testdata/${name}.txtar`);
        if (!name || !existsSync(path)) return next();
        const recording = readFileSync(path, "utf8").split(/^-- recording\.jsonl --$/m)[1]!.split(/^-- /m)[0]!.trimStart();
        if (kind === "jsonl") return res.end(recording);
        const file = join(mkdtempSync(join(tmpdir(), "story-")), "recording.jsonl");
        writeFileSync(file, recording);
        // The exit code is the verdict.
        res.end(spawnSync(process.env["ICESCOPE"] ?? join(root, "icescope"), ["diagnose", "--json", "--lang", lang ?? "en", file]).stdout);
      });
    },
  };
}
