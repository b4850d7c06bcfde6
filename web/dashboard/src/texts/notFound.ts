export const notFound = {
  title: "Page not found",
  text: "The address may be mistyped, or the page may have been removed.",
  back: "Go to the overview",
} as const;
