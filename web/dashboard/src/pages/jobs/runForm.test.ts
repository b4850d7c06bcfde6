import { parseJson } from "@casare/client";
import { describe, expect, it } from "vitest";
import type { Job, Workflow } from "../../api/jobs";
import type { Preset } from "../../api/presets";
import { parametersOf } from "./parameters";
import { DEFAULTS, fieldsOfPreset, hasOptions, suggested } from "./runForm";

const BIG = '{\n  "ticket": 9007199254740993,\n  "rate": 1.0\n}';
const excel: Workflow = {
  workflow_id: "excel",
  last_submitted_at: "",
  last_parameters: parseJson(BIG) as Record<string, unknown>,
  last_tags: ["office"],
  last_queue: "payroll",
};

describe("the run form", () => {
  it("starts with the exact values of the workflow's last job", () => {
    const fields = suggested("excel", [excel], undefined);
    expect(fields).toEqual({ ...DEFAULTS, parameters: BIG, tags: ["office"], queue: "payroll" });
    expect(hasOptions(fields)).toBe(true);
  });

  it("starts with the defaults for a workflow without a job, also after another choice", () => {
    expect(suggested("exce", [excel], undefined)).toEqual(DEFAULTS);
    expect(hasOptions(DEFAULTS)).toBe(false);
  });

  it("starts with the values of the job it was opened for", () => {
    const job = { ...DEFAULTS, workflow_id: "excel", parameters: { a: 1 }, target_robot_id: "desk-1", priority: 9 };
    const fields = suggested("excel", [excel], job as unknown as Job);
    expect(fields).toMatchObject({ parameters: '{\n  "a": 1\n}', robot: "desk-1", priority: 9, queue: "default" });
  });

  it("takes the values of a preset, and the defaults for the others", () => {
    const job = { parameters: parseJson(BIG) as Record<string, unknown>, robot_id: "desk-1", queue: "payroll" };
    const preset: Preset = {
      name: "march",
      workflow_id: "excel",
      tenant_id: "default",
      job,
      changed_at: "",
      changed_by: "",
    };
    expect(fieldsOfPreset(preset)).toEqual({ ...DEFAULTS, parameters: BIG, robot: "desk-1", queue: "payroll" });
  });

  it.each(["[1]", "1", "{", '"a"', "9007199254740993"])("takes only an object as parameters, not %s", (text) => {
    expect(parametersOf(text)).toBeNull();
  });
});
