// The page: asks the gateway for its configuration, then shows the bar and GraphiQL below it.

import "graphiql/setup-workers/vite";

import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "graphiql/graphiql.css";
import "./page.css";
import "./phone.css";

import { createRoot } from "react-dom/client";

import { loadConfig } from "./config";
import { takeErrand } from "./link";
import { Page } from "./page";
import { Session } from "./session";

const errand = takeErrand();
const root = createRoot(document.getElementById("page")!);

try {
  const config = await loadConfig();
  root.render(<Page config={config} session={new Session(config.endpoint)} errand={errand} />);
} catch (error) {
  root.render(
    <p role="alert" className="notice problem">
      The page could not be opened. {String(error)}
    </p>,
  );
}
