import type { FastifyInstance } from 'fastify';
import type { Direction } from '#functions/transfers/transfer.ts';
import { malformed, noSuchTransfer } from '#infra/simulator/protocol/error.ts';
import { type Fields, firstUnknownField, parseFields } from '#infra/simulator/protocol/fields.ts';
import { type MailboxRequest, type Query, requireVerified } from './caller.ts';
import type { PageQuery } from './log.ts';
import { defaultFields, deprecatedListItem, listItem, sampleListItem, statusAnswer } from './model.ts';
import type { Simulation } from './simulation.ts';
import type { Switches } from './switches.ts';
import type { Transfer } from './transfer.ts';

type Mailbox = { Params: { email: string }; Querystring: Query };

const defaultPageSize = 10;
const documentedMaximum = 100;

/** Registers the routes by which a verified client reads its transfers, from the vendor's page on transfer polling. */
export function transferRoutes(app: FastifyInstance, simulation: Simulation): void {
  const { switches, transfers, pageListeners } = simulation;

  const pageOf = async (mailbox: string, direction: Direction, query: PageQuery): Promise<readonly Transfer[]> => {
    for (const listener of pageListeners) await listener({ mailbox, direction, page: query.page });
    const found = transfers.page({ mailbox, direction }, query);
    if (found.length === 0 && query.page > 1 && switches.beyondLastPage === 'error') throw malformed('page', 404);
    return found;
  };

  const statusOf = (request: MailboxRequest, trackingId: string) => {
    const { mailbox } = requireVerified(request, simulation);
    const found = transfers.find(trackingId);
    if (found?.sender !== mailbox) throw noSuchTransfer();
    return { data: statusAnswer(found, simulation), meta: {} };
  };

  app.get<Mailbox>('/users/:email/transfers', async (request) => {
    const { mailbox } = requireVerified(request, simulation);
    const page = await pageOf(mailbox, 'sent', pageBounds(request.query, switches));
    return { data: page.map((transfer) => deprecatedListItem(transfer, simulation)), meta: {} };
  });

  for (const direction of ['sent', 'received'] as const) {
    app.get<Mailbox>(`/users/:email/transfers/${direction}-transfers`, async (request) => {
      // A server before 1.12 takes this part of the path for a tracking id.
      if (switches.minor < 12) return statusOf(request, `${direction}-transfers`);
      const { mailbox } = requireVerified(request, simulation);
      const fields = fieldsIn(request.query, simulation);
      const query = { ...pageBounds(request.query, switches), ...activeFilter(request.query) };
      const view = { mailbox, direction, fields, page: query.page };
      const page = await pageOf(mailbox, direction, query);
      return { data: page.map((transfer) => listItem(transfer, view, simulation)), meta: {} };
    });
  }

  app.get<{ Params: { email: string; trackingId: string } }>('/users/:email/transfers/:trackingId', (request) =>
    statusOf(request, request.params.trackingId),
  );
}

function pageBounds(query: Query, { oversizedPage, maximumPageSize }: Readonly<Switches>): PageQuery {
  const pageSize = positive(query, 'page-size', defaultPageSize);
  if (pageSize > documentedMaximum && oversizedPage === 'reject') throw malformed('page-size');
  return { page: positive(query, 'page', 1), pageSize: Math.min(pageSize, maximumPageSize) };
}

function positive(query: Query, name: string, absent: number): number {
  const value = query[name];
  if (value === undefined) return absent;
  if (!/^[1-9]\d{0,8}$/.test(value)) throw malformed(name);
  return Number(value);
}

/** Ignores the parameter if it has no value, as the vendor's page on transfer polling says. */
function activeFilter({ active }: Query): { active?: boolean } {
  if (!active) return {};
  if (active !== 'true' && active !== 'false') throw malformed('active');
  return { active: active === 'true' };
}

function fieldsIn({ fields: text }: Query, simulation: Simulation): Fields {
  const fields = text === undefined ? defaultFields : parseFields(text);
  const unknown =
    simulation.switches.unknownFields === 'reject' ? firstUnknownField(sampleListItem(simulation), fields) : undefined;
  if (unknown !== undefined) throw malformed(`fields: ${unknown}`);
  return fields;
}
