import type { Wheel } from "../../api/robots";

/** The commands that start a robot: in this source tree, on Linux and macOS, and on Windows.
 *
 * @param server its address, such as `https://orchestrator.example`
 */
export function commandsFor(server: string, wheel: Wheel, robotId: string, apiKey: string) {
  const url = server.replace(/^http/, "ws");
  const run = `casare robot run --url ${url} --robot-id ${robotId} --workflows ./workflows`;
  const install = `casare-rpa[robotframework] @ ${server}/wheels/${wheel.file}#sha256=${wheel.sha256}`;
  return {
    here: `CASARE_API_KEY=${apiKey} .venv/bin/casare robot run --url ${url} --robot-id ${robotId} --workflows examples`,
    unix: `pip install '${install}'\nmkdir -p workflows\nCASARE_API_KEY=${apiKey} ${run}`,
    windows: `pip install "${install}"\nmkdir workflows -Force\n$env:CASARE_API_KEY = "${apiKey}"\n${run}`,
  };
}
