import causes from '#functions/events/endpoint-causes.json' with { type: 'json' };

/** Why an endpoint fails, and what to do, in English; a cause of another version stays as it is. */
export const endpointCauseWords = (cause: string): string =>
  Object.hasOwn(causes, cause) ? causes[cause as keyof typeof causes] : cause;
