import { jsonOf } from '#functions/parsing/json.ts';
import { addressKey } from './address-key.ts';

/** An address in a text; its dots are those of IDNA. */
const addressLike =
  /[^\s"(),:;<>[\]\\@]{1,254}@(?:[\p{L}\p{M}\p{N}\p{So}\p{Join_C}-]|[.\u3002\uff0e\uff61](?=[\p{L}\p{M}\p{N}\p{So}]))+/gu;
const isAddressLike = new RegExp(`^(?:${addressLike.source})$`, 'u');

const substitute = 'a forgotten mailbox';

/** Finds an address in any case, in any Unicode form, and in the script or Punycode of its domain. */
export class AddressFinder {
  private readonly key: string;

  constructor(address: string) {
    this.key = addressKey(address);
  }

  readonly is = (text: unknown): boolean => typeof text === 'string' && addressKey(text) === this.key;

  /**
   * A value without the address: lists lose it, with the events and counts about it, and texts, JSON included, name a
   * substitute. The same value without it.
   *
   * @example new AddressFinder('a@b.de').without({ examples: ['A@B.de', 'c@b.de'] }) // { examples: ['c@b.de'] }
   */
  without(value: unknown): unknown {
    if (typeof value === 'string') return this.textWithout(value);
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    if (Array.isArray(value)) {
      // A lease lists keys of watches.
      const isKeyOf = (each: unknown) => this.is(String(each).replace(/^(?:sent|received)#/, ''));
      const kept = value.filter((each) => !this.isAbout(each) && !isKeyOf(each));
      const rest = kept.map((each) => this.without(each));
      return rest.length === value.length && rest.every((each, index) => each === value[index]) ? value : rest;
    }
    const entries = Object.entries(value);
    const rest = entries.map(([name, each]) => [this.textWithout(name), this.without(each)]);
    const isSame = entries.every(([name, each], index) => rest[index]![0] === name && rest[index]![1] === each);
    return isSame ? value : Object.fromEntries(rest);
  }

  /** True for an event about the address, or a count of such events. */
  private isAbout(value: unknown): boolean {
    const { mailbox, data } = Object(value);
    return this.is(mailbox ?? Object(data).mailbox);
  }

  private textWithout(text: string): string {
    if (!/@|\\u0040/.test(text)) return text;
    const json = /^\s*[[{]/.test(text) ? jsonOf(text) : undefined;
    if (typeof json === 'object') {
      const rest = this.without(json);
      return rest === json ? text : JSON.stringify(rest);
    }
    // An address by itself is compared as a whole, since its name may begin with any sign.
    if (isAddressLike.test(text)) return this.is(text) ? substitute : text;
    return text.replaceAll(addressLike, (found, at: number) => {
      // A quotation, or a mark of emphasis.
      const start = /^['`*_~|]/.test(found) && found[0] === text[at + found.length] ? 1 : 0;
      return this.is(found.slice(start)) ? found.slice(0, start) + substitute : found;
    });
  }
}
