export const notFound = {
  title: "There is no such page",
  text: "The address may be mistyped, or what it showed is gone.",
  back: "To the overview",
} as const;
