/** Bytes of a block of LevelDB's log, and of the head of a record in it: checksum (4), length (2), type (1). */
const blockLength = 32_768;
const headLength = 7;

/**
 * Whether a log of LevelDB is what LevelDB wrote, which itself passes over damage in silence and drops what follows. A
 * last record that a crash has cut off, or whose end the file system has left as zeros, is no damage.
 * Format: doc/log_format.md of LevelDB.
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

/** Bytes from the start of a block up to the first record that is not sound. */
function soundLength(block: Buffer): number {
  let at = 0;
  for (let length = recordLength(block); length > 0; length = recordLength(block.subarray(at))) at += length;
  return at;
}

/** Bytes of the record at the start; 0 when there is no sound one. */
function recordLength(bytes: Buffer): number {
  if (bytes.length < headLength) return 0;
  const length = headLength + bytes.readUInt16LE(4);
  if (!isType(bytes[6]!) || length > bytes.length) return 0;
  return bytes.readUInt32LE(0) === maskedChecksum(bytes.subarray(6, length)) ? length : 0;
}

/** A whole record, or the first, a middle or the last part of one. */
const isType = (byte: number): boolean => byte >= 1 && byte <= 4;

/** Whether the rest of a log can be what a crash has left of its last record. */
function isTorn(rest: Buffer): boolean {
  let written = rest.length;
  while (written > 0 && rest[written - 1] === 0) written -= 1;
  if (written < headLength) return true;
  for (let at = 1; at + headLength <= written; at += 1) if (recordLength(rest.subarray(at)) > 0) return false;
  return isType(rest[6]!) && headLength + rest.readUInt16LE(4) > written;
}

/** CRC-32C (Castagnoli), rotated and offset as LevelDB stores it. */
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
