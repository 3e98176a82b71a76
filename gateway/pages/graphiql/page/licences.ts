// Collects the licence texts of every package that ends up in the page into one file.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Plugin } from "vite";

const LICENCE_FILE = /^(licen[cs]e|copying|notice|third-?party-?notices?)/i;

// Published without a licence file; each names the package from the same repository that carries the text.
const SAME_REPOSITORY: Record<string, string> = {
  "@graphiql/plugin-doc-explorer": "graphiql",
  "@graphiql/plugin-history": "graphiql",
  "react-compiler-runtime": "react",
  "react-remove-scroll-bar": "react-remove-scroll",
};

export class LicenceCollector {
  private readonly folders = new Set<string>();

  /** Note the package of every module that is read, in the page and in its workers. */
  collect(): Plugin {
    return {
      name: "collect-licences",
      moduleParsed: ({ id }) => {
        const folder = packageFolder(id);
        if (folder) this.folders.add(folder);
      },
    };
  }

  /** Write the licences beside the page; the build fails when a package has none. */
  write(fileName: string): Plugin {
    const folders = this.folders;
    return {
      name: "write-licences",
      generateBundle() {
        const texts = new Map([...folders].map((folder) => entry(folder)));
        const names = [...texts.keys()].sort();
        const source = [
          "The GraphiQL page of Forecourt contains the following packages, each under its own licence.",
          names.map((name) => `  ${name}`).join("\n"),
          ...names.map((name) => `${"=".repeat(80)}\n${name}\n${"=".repeat(80)}\n\n${texts.get(name)}`),
        ].join("\n\n");
        this.emitFile({ type: "asset", fileName, source: `${source}\n` });
      },
    };
  }
}

function packageFolder(moduleId: string): string | undefined {
  return /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(moduleId)?.[1];
}

function entry(folder: string): [string, string] {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const text = licenceText(folder) ?? licenceText(sibling(folder, name));
  if (!text) {
    throw new Error(`${name} has no licence file: name its repository's package in SAME_REPOSITORY (licences.ts).`);
  }
  return [`${name} ${version} (${license})`, text];
}

function licenceText(folder: string | undefined): string | undefined {
  if (!folder) return undefined;
  const files = readdirSync(folder).filter((file) => LICENCE_FILE.test(file)).sort();
  return files.map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n") || undefined;
}

function sibling(folder: string, name: string): string | undefined {
  const other = SAME_REPOSITORY[name];
  // A nested copy (graphiql/node_modules/react-compiler-runtime) has its siblings at the root.
  const root = folder.slice(0, folder.indexOf("/node_modules/") + "/node_modules".length);
  return other && join(root, other);
}
