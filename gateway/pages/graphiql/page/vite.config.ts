import { defineConfig } from "vite";

import { LicenceCollector } from "./licences.ts";

const licences = new LicenceCollector();

export default defineConfig({
  base: "/graphiql/",
  plugins: [licences.collect(), licences.write("LICENSES.txt")],
  worker: { format: "es", plugins: () => [licences.collect()] },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    assetsInlineLimit: 0, // data: scripts and styles would need holes in the content security policy
    chunkSizeWarningLimit: 5000, // Monaco
    reportCompressedSize: false,
    rolldownOptions: {
      onLog(level, log, report) {
        // "use client" means something to server rendering only.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
      },
    },
  },
});
