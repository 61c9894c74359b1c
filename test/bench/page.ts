import type { Part } from './report.ts';

/** A place of the page, with what stands in it: from the comment that names it to the end of the code block behind. */
const place = /<!-- bench: (?<id>[a-z-]+) -->\n+```\n[^`]*```/g;

/** Names of the places that a page has for tables. */
export const placesOf = (page: string): string[] => [...page.matchAll(place)].map(({ groups }) => groups!.id!);

/** The page with the tables of a run in their places; what the run has not measured stays as it is. */
export const filled = (page: string, parts: readonly Part[]): string =>
  page.replaceAll(place, (text, id: string) => {
    const part = parts.find((one) => one.id === id);
    return part
      ? `<!-- bench: ${id} -->\n\n\`\`\`\n${[part.title, part.text].filter(Boolean).join('\n\n')}\n\`\`\``
      : text;
  });
