import * as z from 'zod/mini';
import { jsonOf } from '#functions/parsing/json.ts';

const versionSchema = z.object({ major: z.int(), minor: z.int() });

type ApiVersion = Readonly<z.infer<typeof versionSchema>>;

/** Minor version of REST API 1 that added the listings of sent and of received transfers. */
export const listingsSince = 12;

/** Minor version that all other calls need: verification, status and the older listing have long been in it. */
export const longSince = 7;

/**
 * Versions that a server offers, from the body of its answer to `GET /api/status`; empty if it names none. The vendor's
 * documents leave open whether they are wrapped in `data` (facts on the server status endpoint).
 *
 * @example `{ "apiVersions": { "uiApiVersions": [{ "major": 1, "minor": 12 }] } }` gives `[{ major: 1, minor: 12 }]`
 */
export function versionsIn(body: string): ApiVersion[] {
  const answer = jsonOf(body) as { data?: unknown; apiVersions?: unknown } | null | undefined;
  const { apiVersions } = (answer?.data ?? answer ?? {}) as { apiVersions?: unknown };
  const versions = Object.values(apiVersions ?? {}).flat();
  return versions.flatMap((version) => versionSchema.safeParse(version).data ?? []);
}

/** Highest minor version of REST API 1 among `versions`; undefined when there is none. */
export function minorOfMajorOne(versions: readonly ApiVersion[]): number | undefined {
  const minors = versions.filter(({ major }) => major === 1).map(({ minor }) => minor);
  return minors.length === 0 ? undefined : Math.max(...minors);
}
