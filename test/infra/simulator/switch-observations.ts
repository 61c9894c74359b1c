import { performance } from 'node:perf_hooks';
import { expect } from 'vitest';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import { FinalStateError } from '#infra/simulator/transfers.ts';
import { alice, bob, call, clientId, createTransfer, headers, outcome, sentBy, statusOf } from './client.ts';

/** One way to turn switches, and how a client notices. */
interface Observation {
  /** The switches that are turned while the server runs. */
  readonly switches: Partial<Switches>;
  /** What a client then sees, and what it sees as long as they are not turned. */
  readonly observe: (server: CryptshareServer, advance: (ms: number) => void) => Promise<unknown>;
  readonly byDefault: unknown;
  readonly switched: unknown;
}

const day = 24 * 60 * 60 * 1000;
const badToken = { ...headers, 'X-CS-VerificationToken': 'example-token-2' };
const verification = `/api/users/${alice}/verification`;

const poll = (server: CryptshareServer) => outcome(server, sentBy(alice));
const list = async (server: CryptshareServer, query = '') => (await call(server, sentBy(alice, query))).body.data;
const states = async (server: CryptshareServer, query = '?') =>
  (await list(server, `${query}&fields=status(state)`)).map((item: { status: { state: string } }) => item.status.state);
const postVerification = (server: CryptshareServer) => call(server, `${verification}/code/email`, { method: 'POST' });

/** At least one for each switch. */
export const observations: readonly Observation[] = [
  { switches: { minor: 11 }, observe: poll, byDefault: '200', switched: '404/2004' },
  { switches: { licensed: false }, observe: poll, byDefault: '200', switched: '403/3001' },
  {
    switches: { statusWrapped: true },
    observe: async (server) => Object.keys((await call(server, '/api/status')).body),
    byDefault: ['apiVersions'],
    switched: ['data', 'meta'],
  },
  {
    switches: { methodSpelling: 'camel' },
    observe: async (server) => (await call(server, verification)).body.data.verificationMethods,
    byDefault: ['EMAIL'],
    switched: ['email'],
  },
  {
    switches: { listTokenStatus: 403 },
    observe: (server) => outcome(server, sentBy(alice), { headers: badToken }),
    byDefault: '401/3002',
    switched: '403/3002',
  },
  {
    switches: { verificationTokenStatus: 401 },
    observe: (server) => outcome(server, verification, { headers: badToken }),
    byDefault: '403/3002',
    switched: '401/3002',
  },
  {
    switches: { verificationTokenStatus: 200 },
    observe: async (server) => (await call(server, verification, { headers: badToken })).body.data?.verified,
    byDefault: undefined,
    switched: false,
  },
  {
    switches: { validUntil: 'null' },
    observe: async (server) => (await call(server, verification)).body.data.validUntil,
    byDefault: '2030-01-31T14:00:00+02:00',
    switched: null,
  },
  {
    switches: { validUntil: 'missing' },
    observe: async (server) => Object.keys((await call(server, verification)).body.data),
    byDefault: ['verified', 'validUntil', 'verificationMethods'],
    switched: ['verified', 'verificationMethods'],
  },
  {
    switches: { newTokenVoidsOlder: false },
    observe: (server) => {
      server.grantToken(alice, clientId, 'example-token-2');
      return poll(server);
    },
    byDefault: '401/3002',
    switched: '200',
  },
  {
    switches: { idleTermMs: day },
    observe: async (server) => (await call(server, verification)).body.data.validUntil,
    byDefault: '2030-01-31T14:00:00+02:00',
    switched: '2030-01-02T14:00:00+02:00',
  },
  {
    switches: { maximumTermMs: 2 * day },
    observe: async (server) => (await call(server, verification)).body.data.validUntil,
    byDefault: '2030-01-31T14:00:00+02:00',
    switched: '2030-01-03T14:00:00+02:00',
  },
  {
    switches: { verificationsPerMinute: 1 },
    observe: async (server, advance) => {
      const first = await postVerification(server);
      advance(15_000);
      const second = await postVerification(server);
      advance(45_000);
      const third = await postVerification(server);
      return [first.status, second.status, second.headers.get('retry-after'), third.status];
    },
    byDefault: [200, 200, null, 200],
    switched: [200, 429, '45', 200],
  },
  {
    switches: { verificationsPerMinute: 0, retryAfter: false },
    observe: async (server) => {
      const { body, headers: answered } = await postVerification(server);
      return [body.errorCode, answered.get('retry-after')];
    },
    byDefault: [undefined, null],
    switched: [2007, null],
  },
  {
    switches: { itemShape: 'flat' },
    observe: async (server) => {
      createTransfer(server);
      return list(server, '?fields=trackingId,status(state)');
    },
    byDefault: [{ trackingId: expect.any(String), status: { state: 'ACTIVE' } }],
    switched: [{ trackingId: expect.any(String), state: 'ACTIVE' }],
  },
  {
    switches: { itemShape: 'swapped-recipients' },
    observe: async (server) => {
      createTransfer(server);
      return list(server, '?fields=status(recipients(mail,to)),transfer(recipients(mail,to))');
    },
    byDefault: [{ status: { recipients: [{ mail: bob }] }, transfer: { recipients: { to: [{ mail: bob }] } } }],
    switched: [{ status: { recipients: { to: [{ mail: bob }] } }, transfer: { recipients: [{ mail: bob }] } }],
  },
  {
    switches: { stateSpelling: 'prose' },
    observe: async (server) => {
      const trackingId = createTransfer(server, 'DELETED_BY_EXPIRATION');
      return [await states(server), (await call(server, statusOf(alice, trackingId))).body.data.status.state];
    },
    byDefault: [['DELETED_BY_EXPIRATION'], 'DELETED_BY_EXPIRATION'],
    switched: [['Deleted_by_expiration'], 'Deleted_by_expiration'],
  },
  {
    switches: { order: 'shuffled' },
    observe: async (server) => {
      const seeded = server.transfers.seed({ count: 20, sender: alice, to: [bob], state: 'ACTIVE' });
      const pages = [...(await list(server)), ...(await list(server, '?page=2'))];
      const listed: string[] = pages.map(({ trackingId }) => trackingId);
      return {
        complete: new Set(listed).size === 20,
        inOrder: listed.toReversed().join() === seeded.map((it) => it.trackingId).join(),
      };
    },
    byDefault: { complete: true, inOrder: true },
    switched: { complete: true, inOrder: false },
  },
  {
    switches: { beyondLastPage: 'error' },
    observe: async (server) => [await poll(server), await outcome(server, sentBy(alice, '?page=2'))],
    byDefault: ['200', '200'],
    switched: ['200', '404/1004'],
  },
  {
    switches: { oversizedPage: 'clamp' },
    observe: async (server) => {
      server.transfers.seed({ count: 120, sender: alice, to: [bob], state: 'ACTIVE' });
      return (await list(server, '?page-size=1000'))?.length;
    },
    byDefault: undefined,
    switched: 100,
  },
  {
    switches: { maximumPageSize: 10 },
    observe: async (server) => {
      server.transfers.seed({ count: 120, sender: alice, to: [bob], state: 'ACTIVE' });
      return (await list(server, '?page-size=100')).length;
    },
    byDefault: 100,
    switched: 10,
  },
  {
    switches: { activeIncludesProcessing: true },
    observe: (server) => {
      createTransfer(server);
      createTransfer(server, 'PROCESSING');
      return states(server, '?active=true');
    },
    byDefault: ['ACTIVE'],
    switched: ['PROCESSING', 'ACTIVE'],
  },
  {
    switches: { unknownFields: 'reject' },
    observe: async (server) => [
      await outcome(server, sentBy(alice, '?fields=trackingId,status(mood)')),
      await outcome(server, sentBy(alice, '?fields=status(state(text))')),
      await outcome(server, sentBy(alice, '?fields=status(recipients(fileDownloads(downloads(downloadDate))))')),
      await poll(server),
    ],
    byDefault: ['200', '200', '200', '200'],
    switched: ['400/1004', '400/1004', '200', '200'],
  },
  {
    switches: { fileDownloadsInLists: false },
    observe: async (server) => {
      createTransfer(server);
      return list(server, '?fields=status(recipients(mail,fileDownloads(downloads)))');
    },
    byDefault: [{ status: { recipients: [{ mail: bob, fileDownloads: [{ downloads: [] }] }] } }],
    switched: [{ status: { recipients: [{ mail: bob }] } }],
  },
  {
    switches: { deletedUserKeepsRecipientId: false },
    observe: async (server) => {
      createTransfer(server);
      const [before] = await list(server);
      server.transfers.deleteUserData(bob);
      const [after] = await list(server);
      const [then, now] = [before.status.recipients[0], after.status.recipients[0]];
      return { sameMail: then.mail === now.mail, sameId: then.id === now.id };
    },
    byDefault: { sameMail: false, sameId: true },
    switched: { sameMail: false, sameId: false },
  },
  {
    switches: { finalStatesChange: true },
    observe: async (server) => {
      const trackingId = createTransfer(server, 'DELETED_BY_REVOCATION');
      try {
        server.transfers.setState(trackingId, 'ACTIVE');
      } catch (error) {
        expect(error).toBeInstanceOf(FinalStateError);
      }
      return states(server);
    },
    byDefault: ['DELETED_BY_REVOCATION'],
    switched: ['ACTIVE'],
  },
  {
    switches: { purgeAfterDays: 1 },
    observe: async (server, advance) => {
      const trackingId = createTransfer(server);
      advance(32 * day);
      server.grantToken(alice, clientId, 'example-token-1');
      return [await states(server), await outcome(server, statusOf(alice, trackingId))];
    },
    byDefault: [['ACTIVE'], '200'],
    switched: [[], '404/2003'],
  },
  {
    switches: { errorBody: 'html-502' },
    observe: async (server) => {
      const { status, body, headers: answered } = await call(server, '/api/no-such-endpoint');
      return [status, answered.get('content-type'), typeof body];
    },
    byDefault: [404, 'application/json; charset=utf-8', 'object'],
    switched: [502, 'text/html', 'string'],
  },
  {
    switches: { errorBody: 'empty-401' },
    observe: async (server) => {
      const { status, body } = await call(server, '/api/no-such-endpoint');
      return [status, body];
    },
    byDefault: [404, { errorCode: 1006, errorMessage: expect.any(String) }],
    switched: [401, ''],
  },
  {
    switches: { redirectTo: 'https://elsewhere.example' },
    observe: async (server) => {
      const { status, headers: answered } = await call(server, '/api/status');
      return [status, answered.get('location')];
    },
    byDefault: [200, null],
    switched: [302, 'https://elsewhere.example/api/status'],
  },
  {
    switches: { utcOffsetMinutes: -210 },
    observe: async (server) => {
      createTransfer(server);
      const [{ trackingId, transfer }] = await list(server, '?fields=trackingId,transfer(expirationDate)');
      return [trackingId.slice(0, 15), transfer.expirationDate];
    },
    byDefault: ['20300101-140000', '2030-01-31T14:00:00+02:00'],
    switched: ['20300101-083000', '2030-01-31T08:30:00-03:30'],
  },
  {
    switches: { clockOffsetMs: 90_000 },
    observe: async (server) => {
      createTransfer(server);
      const { body, headers: answered } = await call(server, sentBy(alice, '?fields=transfer(expirationDate)'));
      return [answered.get('date'), body.data[0].transfer.expirationDate];
    },
    byDefault: ['Tue, 01 Jan 2030 12:00:00 GMT', '2030-01-31T14:00:00+02:00'],
    switched: ['Tue, 01 Jan 2030 12:01:30 GMT', '2030-01-31T14:01:30+02:00'],
  },
  {
    switches: { latencyMs: 200 },
    observe: async (server) => {
      const began = performance.now();
      await call(server, '/api/status');
      return performance.now() - began > 195;
    },
    byDefault: false,
    switched: true,
  },
];
