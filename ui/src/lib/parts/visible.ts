// Text that people read before they decide: nothing in it may be hidden.

/** What the server writes out, and the same characters where it has not. */
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

const MARK = /⟨U\+[0-9A-F]{4,6}⟩/g;

export function visible(text: string): string {
  return text.replace(HIDDEN, (c) => {
    const code = (c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `⟨U+${code}⟩`;
  });
}

export type Piece = { text: string; kind: 'plain' | 'hidden' | 'key' | 'string' | 'other' };

/** A text in pieces, the written-out characters apart. */
export function pieces(text: string, kind: Piece['kind'] = 'plain'): Piece[] {
  const shown = visible(text);
  const out: Piece[] = [];
  let from = 0;
  for (const match of shown.matchAll(MARK)) {
    if (match.index > from) out.push({ text: shown.slice(from, match.index), kind });
    out.push({ text: match[0], kind: 'hidden' });
    from = match.index + match[0].length;
  }
  if (from < shown.length) out.push({ text: shown.slice(from), kind });
  return out;
}

/** JSON, indented, in pieces that can be coloured. Strings stay exactly as JSON writes them. */
export function jsonPieces(value: unknown): Piece[] {
  const text = JSON.stringify(value, null, 2) ?? 'null';
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)/g;
  const out: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(token)) {
    if (match.index > from) out.push({ text: text.slice(from, match.index), kind: 'plain' });
    const [whole, quoted, colon] = match;
    if (quoted !== undefined) {
      out.push(...pieces(quoted, colon === undefined ? 'string' : 'key'));
      if (colon !== undefined) out.push({ text: colon, kind: 'plain' });
    } else {
      out.push({ text: whole, kind: 'other' });
    }
    from = match.index + whole.length;
  }
  if (from < text.length) out.push({ text: text.slice(from), kind: 'plain' });
  return out;
}
