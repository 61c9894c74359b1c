/** Format: doc/table_format.md of LevelDB, and format_description.txt of Snappy. */
const footerLength = 48;

/** Reads numbers of variable length one after the other, and where they end. */
function numbers(bytes: Buffer, start: number, count: number) {
  const values: number[] = [];
  let [at, value, factor] = [start, 0, 1];
  while (values.length < count) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte >= 0x80) continue;
    values.push(value);
    [value, factor] = [0, 1];
  }
  return { values, end: at };
}

/** The data of a table file of LevelDB, uncompressed. */
export function dataOfTable(file: Buffer): Buffer {
  const footer = file.subarray(-footerLength);
  const [, , indexAt = 0, indexLength = 0] = numbers(footer, 0, 4).values;
  const index = blockAt(file, indexAt, indexLength);
  const end = index.length - 4 - 4 * index.readUInt32LE(index.length - 4);
  const blocks: Buffer[] = [];
  for (let at = 0; at < end; ) {
    const { values, end: keyAt } = numbers(index, at, 3);
    const [, keyLength = 0, valueLength = 0] = values;
    const [blockStart = 0, blockLength = 0] = numbers(index, keyAt + keyLength, 2).values;
    blocks.push(blockAt(file, blockStart, blockLength));
    at = keyAt + keyLength + valueLength;
  }
  return Buffer.concat(blocks);
}

function blockAt(file: Buffer, at: number, length: number): Buffer {
  const block = file.subarray(at, at + length);
  return file[at + length] === 1 ? uncompressed(block) : block;
}

/** Undoes Snappy. */
function uncompressed(bytes: Buffer): Buffer {
  const { values, end } = numbers(bytes, 0, 1);
  const text = Buffer.alloc(values[0]!);
  let [at, to] = [end, 0];
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max(0, (tag >> 2) - 59);
      const length = 1 + (extra > 0 ? bytes.readUIntLE(at, extra) : tag >> 2);
      at += extra;
      bytes.copy(text, to, at, at + length);
      at += length;
      to += length;
      continue;
    }
    const size = kind === 3 ? 4 : kind;
    const offset = kind === 1 ? ((tag >> 5) << 8) | bytes[at]! : bytes.readUIntLE(at, size);
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    at += size;
    for (let left = length; left > 0; left -= 1, to += 1) text[to] = text[to - offset]!;
  }
  return text;
}
