/** Removes the byte order mark that some editors and gateways add: parsers of JSON and PEM reject it. */
export const withoutMark = (text: string): string => text.replace(/^\ufeff/, '');
