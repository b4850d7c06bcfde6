/** New values for some of the filters; undefined removes a filter. */
export type Change<Search> = { [name in keyof Search]?: Search[name] | undefined };

/** `search` with `change` applied. Filters without a value are left out, so that they do not appear in the address. */
export function changed<Search extends object>(search: Search, change: Change<Search>): Search {
  return Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)) as Search;
}
