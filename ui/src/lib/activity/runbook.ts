// A runbook's Markdown as blocks that can be drawn: headings, paragraphs, items, commands. It knows what
// the runbooks use and nothing more; whatever else stands there is shown as it is written.

export interface Span {
  text: string;
  kind: 'plain' | 'code' | 'strong';
}

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'text' | 'item'; spans: Span[] };

/** A link to another page of the documents, which the console does not have. */
const LINK_ALONE = /^\[[^\]]*\]\([^)]*\)$/;

function spans(text: string): Span[] {
  const out: Span[] = [];
  let from = 0;
  const plain = (to: number) => {
    if (to > from) out.push({ text: text.slice(from, to).replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'), kind: 'plain' });
  };
  for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*/g)) {
    plain(match.index);
    const [whole, code, strong] = match;
    out.push(code === undefined ? { text: strong ?? '', kind: 'strong' } : { text: code, kind: 'code' });
    from = match.index + whole.length;
  }
  plain(text.length);
  return out;
}

/** The blocks below the page's own title. A heading with nothing below it goes. */
export function blocks(markdown: string): Block[] {
  const out: Block[] = [];
  let code: string[] | null = null;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) {
      if (code) out.push({ kind: 'code', text: code.join('\n') });
      code = code ? null : [];
    } else if (code) {
      code.push(line);
    } else if (line.startsWith('## ')) {
      out.push({ kind: 'heading', text: line.slice(3) });
    } else if (line.startsWith('- ')) {
      if (!LINK_ALONE.test(line.slice(2))) out.push({ kind: 'item', spans: spans(line.slice(2)) });
    } else if (line !== '' && !line.startsWith('# ')) {
      out.push({ kind: 'text', spans: spans(line) });
    }
  }
  if (code) out.push({ kind: 'code', text: code.join('\n') });
  return out.filter((block, at) => block.kind !== 'heading' || (out[at + 1] !== undefined && out[at + 1]?.kind !== 'heading'));
}
