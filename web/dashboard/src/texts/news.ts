export const newsTexts = {
  title: (version: string) => `New in ${version}`,
  all: "Changes of each version",
  version: (version: string) => `Version ${version}`,
  keptIn: "The version in the menu opens these changes again.",
  dismiss: "Close these changes",
  layout: {
    jobPage: {
      useEarlier: "Use the earlier layout of the job page",
      useNew: "Use the new layout of the job page",
    },
  },
  updated: (server: string, page: string) =>
    `The server was updated to ${server}. This page is of version ${page} and can show wrong data.`,
  reload: "Reload",
} as const;
