import type { Table } from './section.ts';

/** A place of the page with its text, from the comment that names it to the code block's end. */
const place = /<!-- bench: (?<id>[a-z-]+) -->\n+```\n[^`]*```/g;

/** Names of the places that a page has for tables. */
export const placesOf = (page: string): string[] => [...page.matchAll(place)].map(({ groups }) => groups!.id!);

/** The page with the tables of a run in their places; a place without a table stays as it is. */
export const fillPlaces = (page: string, tables: readonly Table[]): string =>
  page.replaceAll(place, (text, id: string) => {
    const found = tables.find((one) => one.id === id);
    return found
      ? `<!-- bench: ${id} -->\n\n\`\`\`\n${[found.title, found.text].filter(Boolean).join('\n\n')}\n\`\`\``
      : text;
  });
