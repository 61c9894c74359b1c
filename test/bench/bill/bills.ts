import { count, type Section } from '#test/bench/section.ts';
import { installations, ordinary, withReaders } from './installations.ts';
import { measureUse } from './measured-use.ts';
import { billsOf, deliveryCosts } from './monthly-bill.ts';
import { billTable, deliveryTable, readerTable } from './tables.ts';

const region = 'us-east-1';

/** Calculates the charges of AWS for a month of some installations, and for a million deliveries. */
export const bills: Section = {
  name: 'bills',
  what: 'measuring what bills are calculated from',
  async measure(bench) {
    const sizes = installations.map(({ transfers }) => transfers);
    const { shared, polls } = await measureUse(bench, sizes, ordinary.activeShare);
    const calculated = billsOf(installations, shared, polls);
    const ofReaders = billsOf(withReaders, shared, polls);
    const costOf = (watches: number, fullListingEvery: number) =>
      calculated.find(
        ({ installation }) => installation.watches === watches && installation.fullListingEvery === fullListingEvery,
      )!.bills[region].beforeAlarms;
    const delivery = [...deliveryCosts({ together: 1, endpoints: 1 }, shared, region).values()];
    return {
      measured: { bills: calculated, readers: ofReaders, shared },
      tables: [
        {
          id: 'bills',
          title: 'A month before alarms in USD, with the always-free amounts',
          text: billTable(calculated),
        },
        {
          id: 'deliveries',
          title: `A million deliveries in ${region}, nothing free`,
          text: deliveryTable(shared, region),
        },
        { id: 'readers', title: `A month with readers in ${region}, in USD`, text: readerTable(ofReaders, region) },
      ],
      figures: [
        count('a month of 1 watch of 1,000', 1, 'USD', costOf(1, 1).net),
        count('the same if nothing were free', 3, 'USD', costOf(1, 1).gross),
        count('10,000 of 1,000, full listings 1 of 10', 400, 'USD', costOf(10_000, 10).net),
        count('the same, all listings full', 700, 'USD', costOf(10_000, 1).net),
        count(
          'a million deliveries, nothing free',
          9,
          'USD',
          delivery.reduce((sum, cost) => sum + cost, 0),
        ),
      ],
    };
  },
};
