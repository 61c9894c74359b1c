import type { FollowingWatch } from './follow.ts';
import type { Watch } from './transfer.ts';

/** Least and greatest `overdueBeforeMs`: an hour and 30 days. */
export const overdueBeforeLimitsMs = [3_600_000, 30 * 86_400_000] as const;

/** True unless a watch has a time from which transfers are overdue, but does not follow that. */
export const isOverdueSensible = ({ follow = [], overdueBeforeMs }: Omit<FollowingWatch, keyof Watch>): boolean =>
  overdueBeforeMs === undefined || follow.includes('overdue');

export const expectedOverdue = 'expected only where follow has overdue';
