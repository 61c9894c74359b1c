import { z } from 'zod';
import { defaultSwitches, type Switches, switchesSchema } from '#infra/simulator/switches.ts';

/** A switch as people see it. */
interface SwitchText {
  readonly name: keyof Switches;
  /** One line: what it does, and its values where they are few. */
  readonly help: string;
  /** Values in the form of {@link switchesIn}, where they are few. */
  readonly values?: readonly string[];
}

interface Described {
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly type?: string;
}

const schema = z.toJSONSchema(switchesSchema, { io: 'input' }) as { properties: Record<string, Described> };

/** All switches in the order of the schema. */
export const switchTexts: readonly SwitchText[] = Object.entries(schema.properties).map(([name, described]) => {
  const { description = '', enum: values = described.type === 'boolean' ? [true, false] : undefined } = described;
  return { name: name as keyof Switches, help: description, ...(values && { values: values.map(String) }) };
});

/** Help of the command line: a line for each switch, with its default. */
export function switchHelp(): string {
  const named = switchTexts.map(({ name, help }) => [`${name}=${defaultSwitches[name]}`, help] as const);
  const width = Math.max(...named.map(([text]) => text.length));
  return named.map(([text, help]) => `  ${text.padEnd(width)}  ${help}`).join('\n');
}

/**
 * Reads switches from texts, over others.
 *
 * @param texts values by name; numbers, true, false and null are read as such
 * @returns the switches, or in words what is wrong
 */
export function switchesFrom(texts: Readonly<Record<string, string>>, over: Readonly<Switches>): Switches | string {
  const values = Object.entries(texts).map(([name, text]) => [name, valueIn(name, text)] as const);
  const read = switchesSchema.safeParse({ ...over, ...Object.fromEntries(values) });
  if (read.success) return read.data;
  const [problem] = read.error.issues;
  if (problem?.code === 'unrecognized_keys') return `there is no switch ${problem.keys.join(', ')}`;
  return `the switch ${problem?.path.join('.')}: ${problem?.message}`;
}

/** A number, true, false or null, unless the switch has a word that reads like it. */
function valueIn(name: string, text: string): unknown {
  const isWord = schema.properties[name]?.enum?.includes(text) === true;
  return !isWord && /^(?:true|false|null|-?\d{1,15})$/.test(text) ? JSON.parse(text) : text;
}
