// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { setWindowSigns, setWindowTitle } from "./windowSigns";

it("the title and the icon of the window show failures and a lost connection", () => {
  document.head.innerHTML = '<link rel="icon" href="/icon.svg">';
  const shown = () => [document.title, document.querySelector("link")?.getAttribute("href")];
  setWindowTitle("Robots");
  expect(shown()).toEqual(["Robots · CasareRPA", "/icon.svg"]);
  setWindowSigns({ lost: false, failures: 3 });
  expect(shown()).toEqual(["3 failed · Robots · CasareRPA", "/icon-failed.svg"]);
  setWindowTitle("Jobs");
  setWindowSigns({ lost: true, failures: 3 });
  expect(shown()).toEqual(["⚠ Not connected · Jobs · CasareRPA", "/icon-lost.svg"]);
  setWindowSigns({ lost: false, failures: 0 });
  expect(shown()).toEqual(["Jobs · CasareRPA", "/icon.svg"]);
});
