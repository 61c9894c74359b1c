import type { FastifyRequest } from 'fastify';
import {
  badPathVariable,
  malformed,
  missing,
  notLicensed,
  notVerified,
  unsupportedVersion,
} from '#infra/simulator/protocol/error.ts';
import type { Simulation } from './simulation.ts';
import type { Switches } from './switches.ts';
import type { Claimant } from './verifications.ts';

/** Query parameters; the last value of a repeated parameter counts. */
export type Query = Readonly<Record<string, string>>;

export type MailboxRequest = FastifyRequest<{ Params: { email: string } }>;

/** Client with an id, verified or not, and the mailbox of its request. */
export interface Caller extends Claimant {
  readonly token: string | undefined;
}

/** Query parameter for each X-CS header, from the REST API 1.8 document. */
const parameters = {
  'X-CS-MajorApiVersion': 'major-api-version',
  'X-CS-MinimumMinorApiVersion': 'minimum-minor-api-version',
  'X-CS-ProductKey': 'product-key',
  'X-CS-ClientId': 'client-id',
  'X-CS-VerificationToken': 'verification-token',
} as const;

type Parameter = keyof typeof parameters;

export const secretQueryParameters = [parameters['X-CS-ClientId'], parameters['X-CS-VerificationToken']] as const;

/**
 * Checks the licence and the parameters required by every call but `/api/status`. The vendor does not document the
 * order of these checks.
 *
 * @throws CryptshareError 400/1002, 400/1004, 404/2004 or 403/3001
 */
export function requireVersionAndLicence(request: FastifyRequest, switches: Readonly<Switches>): void {
  const major = versionNumber(request, 'X-CS-MajorApiVersion');
  const minimumMinor = versionNumber(request, 'X-CS-MinimumMinorApiVersion');
  if (major !== 1 || minimumMinor > switches.minor) throw unsupportedVersion();
  if ((given(request, 'X-CS-ProductKey') ?? 'api.rest') !== 'api.rest') throw malformed('X-CS-ProductKey');
  if (!switches.licensed) throw notLicensed();
}

/**
 * Reads the client, after every check that needs no verification.
 *
 * @throws CryptshareError as {@link requireVersionAndLicence}, and 400/1005 for a bad address in the path
 */
export function requireCaller(request: MailboxRequest, switches: Readonly<Switches>): Caller {
  requireVersionAndLicence(request, switches);
  const clientId = given(request, 'X-CS-ClientId');
  if (!clientId) throw missing('X-CS-ClientId');
  if (!/^[a-zA-Z0-9]{50,4000}$/.test(clientId)) throw malformed('X-CS-ClientId');
  const mailbox = request.params.email;
  if (!/^[^\s@]+@[^\s@]+$/.test(mailbox)) throw badPathVariable('email');
  // A client without a token may send the header empty.
  return { clientId, mailbox, token: given(request, 'X-CS-VerificationToken') || undefined };
}

/**
 * Reads the client, and requires its proof of owning the mailbox.
 *
 * @throws CryptshareError as {@link requireCaller}, and 401/3002 (or 403, by switch) for an invalid token
 */
export function requireVerified(request: MailboxRequest, { switches, verifications }: Simulation): Caller {
  const caller = requireCaller(request, switches);
  if (!verifications.validUntil(caller, caller.token)) throw notVerified(switches.listTokenStatus);
  return caller;
}

function versionNumber(request: FastifyRequest, parameter: Parameter): number {
  const value = given(request, parameter);
  if (!value) throw missing(parameter);
  if (!/^\d{1,9}$/.test(value)) throw malformed(parameter);
  return Number(value);
}

function given(request: FastifyRequest, parameter: Parameter): string | undefined {
  const header = request.headers[parameter.toLowerCase()];
  return header === undefined ? (request.query as Query)[parameters[parameter]] : String(header);
}
