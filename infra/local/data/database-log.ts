/** Bytes of a block in LevelDB's log, and of a record's head: checksum (4), length (2), type (1). */
const blockLength = 32_768;
const headLength = 7;

/**
 * Checks a log of LevelDB, which itself silently drops all records after damage. A last record that a crash cut off, or
 * whose end the file system left as zeros, is no damage. Format: doc/log_format.md of LevelDB.
 */
export function isSoundLog(log: Buffer): boolean {
  for (let start = 0; start < log.length; start += blockLength) {
    const block = log.subarray(start, start + blockLength);
    const sound = soundLength(block);
    if (block.length - sound < headLength && block.length === blockLength) continue;
    return isTorn(log.subarray(start + sound));
  }
  return true;
}

/** Counts the bytes of a block before the first unsound record. */
function soundLength(block: Buffer): number {
  let at = 0;
  for (let length = recordLength(block); length > 0; length = recordLength(block.subarray(at))) at += length;
  return at;
}

/** Reads the length of the first record; 0 if it is not sound. */
function recordLength(bytes: Buffer): number {
  if (bytes.length < headLength) return 0;
  const length = headLength + bytes.readUInt16LE(4);
  if (!isType(bytes[6]!) || length > bytes.length) return 0;
  return bytes.readUInt32LE(0) === maskedChecksum(bytes.subarray(6, length)) ? length : 0;
}

/** Types 1 to 4: a whole record, or its first, a middle or its last part. */
const isType = (byte: number): boolean => byte >= 1 && byte <= 4;

/** True if the rest of a log can be a last record that a crash has cut off. */
function isTorn(rest: Buffer): boolean {
  let written = rest.length;
  while (written > 0 && rest[written - 1] === 0) written -= 1;
  if (written < headLength) return true;
  for (let index = 1; index + headLength <= written; index += 1)
    if (recordLength(rest.subarray(index)) > 0) return false;
  return isType(rest[6]!) && headLength + rest.readUInt16LE(4) > written;
}

/** Computes the CRC-32C (Castagnoli), rotated and offset as LevelDB stores it. */
function maskedChecksum(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let entry = byte;
  for (let bit = 0; bit < 8; bit += 1) entry = (entry >>> 1) ^ (entry & 1 ? 0x82f63b78 : 0);
  return entry;
});
