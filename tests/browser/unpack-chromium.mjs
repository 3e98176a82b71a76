// Unpacks the Chromium of @sparticuz/chromium, with fonts and the libraries it needs, into the folder named first.
//
// The package was made for a cloud function: it unpacks into the temporary folder, its libraries (NSS and others, which
// a bare machine lacks) only where it believes to run in one, and its fonts are looked for in that function's folders.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
process.env.TMPDIR = folder;
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs20.x";

const { default: chromium } = await import("@sparticuz/chromium");
await chromium.executablePath();

writeFileSync(
  join(folder, "fonts", "fonts.conf"),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`,
);
