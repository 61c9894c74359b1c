/** A text without the byte order mark that some editors and gateways put before it; parsers of JSON and PEM take none. */
export const withoutMark = (text: string): string => text.replace(/^\ufeff/, '');
