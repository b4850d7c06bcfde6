/** The commands that start a robot: in this source tree, on Linux and macOS, and on Windows.
 *
 * @param origin of the page, such as `https://orchestrator.example`
 */
export function commandsFor(origin: string, robotId: string, apiKey: string) {
  const url = origin.replace(/^http/, "ws");
  const run = `casare robot run --url ${url} --robot-id ${robotId} --workflows ./workflows`;
  return {
    here: `CASARE_API_KEY=${apiKey} .venv/bin/casare robot run --url ${url} --robot-id ${robotId} --workflows examples`,
    unix: `pip install 'casare-rpa[robotframework]'\nmkdir -p workflows\nCASARE_API_KEY=${apiKey} ${run}`,
    windows: `pip install "casare-rpa[robotframework]"\nmkdir workflows -Force\n$env:CASARE_API_KEY = "${apiKey}"\n${run}`,
  };
}
