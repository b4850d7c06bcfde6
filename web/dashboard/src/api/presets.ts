import { data, type HttpComponents, parseJson } from "@casare/client";
import { queryOptions } from "@tanstack/react-query";
import { session } from "../session/session";

export type Preset = HttpComponents["schemas"]["PresetView"];
export type NewPreset = HttpComponents["schemas"]["NewPreset"];

const { http } = session;

/** The presets of a workflow, by name. */
export const presetsOf = (workflow: string) =>
  queryOptions({
    queryKey: ["presets", workflow],
    queryFn: async ({ signal }) => {
      const query = { workflow_id: workflow };
      const text = await data(http.GET("/api/v1/presets", { params: { query }, signal, parseAs: "text" }));
      return parseJson(text) as HttpComponents["schemas"]["PresetList"]; // its other numbers are small
    },
  });

/** Stores a preset, or replaces the one with its name. */
export const savePreset = (body: NewPreset): Promise<Preset> => data(http.PUT("/api/v1/presets", { body }));

export const deletePreset = async (workflow: string, name: string): Promise<void> => {
  await data(http.DELETE("/api/v1/presets", { params: { query: { workflow_id: workflow, name } } }));
};
