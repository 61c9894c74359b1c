import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import { asyncApiParser } from './asyncapi-parser.ts';

describe('the parser of AsyncAPI', () => {
  const parser = asyncApiParser();
  const text = readFileSync('docs/asyncapi.json', 'utf8');

  /** Codes of findings with their places, but for the hint that a later minor version of AsyncAPI exists. */
  async function findings(document: string): Promise<string[]> {
    const { diagnostics } = await parser.parse(document);
    return diagnostics
      .filter(({ code }) => code !== 'asyncapi-latest-version')
      .map(({ code, path, message }) => `${code} at ${path.join('/')}: ${message}`);
  }

  it('finds nothing in docs/asyncapi.json, and reads all of its messages', async () => {
    expect(await findings(text)).toEqual([]);
    const { document } = await parser.parse(text);
    expect(document?.messages().length).toBe(2 * eventTypes.length - 1);
    expect(document?.operations().length).toBe(2);
  });

  it.each([
    ['a schema that is none', '"minimum": 1,', '"minimum": "one",', 'must be number'],
    ['an unknown field', '"contentType": ', '"content": ', 'is not expected to be here'],
    ['a reference to nothing', '"#/components/schemas/mailbox"', '"#/components/schemas/box"', 'box'],
    ['a server that is none', '"#/servers/sns"', '"#/servers/none"', 'does not exist'],
    ['an unknown action', '"action": "send"', '"action": "shout"', 'must be equal to one of the allowed values'],
    ['no syntax of JSON', '"asyncapi": "3.0.0",', '"asyncapi": "3.0.0"', 'Missed comma'],
  ])('refuses docs/asyncapi.json with %s', async (_, good, bad, words) => {
    expect(text).toContain(good);
    expect((await findings(text.replace(good, bad))).join('\n')).toContain(words);
  });
});
