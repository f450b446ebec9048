/** Splits an inline command into words as Redis does (`sdssplitargs`): quotes, and escapes within double quotes. */

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13) || byte === 0
const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, a: 7 }
const QUOTE = 0x22
const APOSTROPHE = 0x27
const BACKSLASH = 0x5c

/** The words of the bytes from `from` to `end`, or undefined when a quote does not end, or ends within a word. */
export function splitInline(source: Buffer, from: number, end: number): Buffer[] | undefined {
  const words: Buffer[] = []
  let at = from
  for (;;) {
    while (at < end && isSpace(source[at]!)) at++
    if (at >= end) return words
    const word: number[] = []
    while (at < end && !isSpace(source[at]!)) {
      const byte = source[at]!
      if (byte !== QUOTE && byte !== APOSTROPHE) {
        word.push(byte)
        at++
        continue
      }
      const after = quoted(source, at + 1, end, byte, word)
      if (after < 0 || (after < end && !isSpace(source[after]!))) return undefined
      at = after
      break
    }
    words.push(Buffer.from(word))
  }
}

/** Reads up to the closing quote, and returns what is behind it, or -1 when there is none. */
function quoted(source: Buffer, from: number, end: number, quote: number, word: number[]): number {
  for (let at = from; at < end; at++) {
    const byte = source[at]!
    if (byte === quote) return at + 1
    if (byte !== BACKSLASH || at + 1 >= end) {
      word.push(byte)
      continue
    }
    const following = source[at + 1]!
    if (quote === APOSTROPHE) {
      if (following !== APOSTROPHE) {
        word.push(byte)
        continue
      }
      word.push(APOSTROPHE)
      at++
      continue
    }
    const hex = source.toString('latin1', at + 2, Math.min(at + 4, end))
    if (following === 0x78 && /^[0-9a-fA-F]{2}$/.test(hex)) {
      word.push(Number.parseInt(hex, 16))
      at += 3
      continue
    }
    word.push(escapes[String.fromCharCode(following)] ?? following)
    at++
  }
  return -1
}
