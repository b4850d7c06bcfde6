import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./styles.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { addressBelowBase, BASE } from "./address/base";
import { loadPage } from "./router";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const below = addressBelowBase(BASE, window.location); // the server without its proxy
if (below === null) {
  loadPage();
  createRoot(root).render(<App />);
} else {
  window.location.replace(below);
}
