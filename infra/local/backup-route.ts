import type http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Problem, problemAnswer } from '#functions/operator/api/problem.ts';
import type { DataCopy } from '#infra/local/data/data-copy.ts';
import { backupBytes } from '#infra/service/backup-format.ts';
import manifest from '../../package.json' with { type: 'json' };

/** Milliseconds without progress after which a client is given up: the copy keeps deleted rows on disk until its end. */
const stallMs = 60_000;

/**
 * Answers with a backup of the data folder. A client that gets no end of it knows that it is not whole.
 *
 * @param copyData undefined for a run that keeps no data here
 */
export async function answerBackup(
  copyData: (() => DataCopy) | undefined,
  response: http.ServerResponse,
): Promise<void> {
  if (!copyData) return refuse(response, 409, 'this run keeps no data here, so there is nothing to back up');
  let copy: DataCopy;
  try {
    copy = copyData();
  } catch (error) {
    return refuse(response, 500, `the data folder cannot be copied (${(error as Error).message}): is its disk full?`);
  }
  try {
    response.setTimeout(stallMs, () => response.destroy());
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    await pipeline(Readable.from(backupBytes(manifest.version, new Date(), copy), { objectMode: false }), response);
  } finally {
    await copy.close();
  }
}

function refuse(response: http.ServerResponse, status: number, detail: string): void {
  const { headers, body } = problemAnswer(new Problem(status, detail));
  response.writeHead(status, headers as http.OutgoingHttpHeaders).end(body);
}
