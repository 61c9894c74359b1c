import * as z from 'zod/mini';
import { jsonOf } from '#functions/parsing/json.ts';

const versionSchema = z.object({ major: z.int(), minor: z.int() });

type ApiVersion = Readonly<z.infer<typeof versionSchema>>;

/** Minor version of REST API 1 that brought the listings of sent and of received transfers. */
export const listingsSince = 12;

/** Minor version that everything else which is asked for has had for long: verification, status, the older listing. */
export const longSince = 7;

/**
 * The versions that a server says it offers, in the body of its answer to `GET /api/status`, none if it does not say:
 * `{ apiVersions: { uiApiVersions: [{ major, minor }] } }`, wrapped in `data` or not, as the vendor's documents leave
 * open (facts on the server status endpoint).
 */
export function versionsIn(body: string): ApiVersion[] {
  const answer = jsonOf(body) as { data?: unknown; apiVersions?: unknown } | null | undefined;
  const { apiVersions } = (answer?.data ?? answer ?? {}) as { apiVersions?: unknown };
  return Object.values(apiVersions ?? {})
    .flat()
    .flatMap((version) => versionSchema.safeParse(version).data ?? []);
}

/** The highest minor version of REST API 1 among those offered; undefined when there is none. */
export function minorOfMajorOne(versions: readonly ApiVersion[]): number | undefined {
  const minors = versions.filter(({ major }) => major === 1).map(({ minor }) => minor);
  return minors.length === 0 ? undefined : Math.max(...minors);
}
