import { expect, it } from 'vitest';
import { jsonPieces, pieces, visible } from './visible';

it('writes out what nobody sees', () => {
  expect(visible('보내기 \u202efdp.exe')).toBe('보내기 ⟨U+202E⟩fdp.exe');
  expect(visible('a\u200bb\u0000\n\tc\u{e0041}')).toBe('a⟨U+200B⟩b⟨U+0000⟩\n\tc⟨U+E0041⟩');
});

it('marks what the server wrote out, too', () => {
  expect(pieces('a⟨U+200B⟩b').map((piece) => piece.kind)).toEqual(['plain', 'hidden', 'plain']);
});

it('shows JSON exactly', () => {
  const value = { 'k"ey': ['a\u200bb', 1, true, null, 'x: "y"'], n: -1.5e3 };
  const parts = jsonPieces(value);
  expect(parts.map((part) => part.text).join('')).toBe(visible(JSON.stringify(value, null, 2)));
  expect(parts.filter((part) => part.kind === 'key').map((part) => part.text)).toEqual(['"k\\"ey"', '"n"']);
  expect(parts.some((part) => part.kind === 'hidden')).toBe(true);
});
