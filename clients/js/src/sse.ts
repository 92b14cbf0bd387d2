// Server-sent events out of chunks of bytes, wherever a chunk ends, as the WHATWG HTML standard reads
// them (9.2.6).

/** What one blank line ended. */
export interface Frame {
  /** `event:`, or `message`. */
  event: string;
  /** The `data:` lines; `null` where there was none: nothing to hand out, only an id to remember. */
  data: string | null;
  /** Set only where the frame itself carries an id. */
  id: string | null;
}

/** Most characters of one frame: a snapshot is large, a frame that never ends is an attack. */
export const MAX_FRAME = 64 << 20;

/** Reads one connection. */
export class Parser {
  /** How long the server asks to wait before coming back, in ms. */
  retry: number | null = null;
  /** The last id that an ended frame named. */
  lastId = '';

  private readonly decoder = new TextDecoder();
  /** The line that no chunk has ended yet, in pieces. */
  private pieces: string[] = [];
  private size = 0;
  private afterCr = false;
  private event = '';
  private id: string | null = null;
  private data: string[] = [];

  /** Takes a chunk; gives the frames that it completes. Throws when a frame grows past `MAX_FRAME`. */
  push(chunk: Uint8Array): Frame[] {
    const text = this.decoder.decode(chunk, { stream: true });
    const frames: Frame[] = [];
    let from = 0;
    // A CR ends a line at once; a LF right after it belongs to it.
    if (this.afterCr && text !== '') {
      this.afterCr = false;
      if (text[0] === '\n') from = 1;
    }
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.grow(text.slice(from, end.index));
      const line = this.pieces.length === 1 ? this.pieces[0]! : this.pieces.join('');
      this.pieces = [];
      from = ends.lastIndex;
      this.afterCr = end[0] === '\r' && from === text.length;
      if (line === '') this.finish(frames);
      else this.line(line);
    }
    if (from < text.length) this.grow(text.slice(from));
    return frames;
  }

  private grow(piece: string): void {
    this.size += piece.length;
    if (this.size > MAX_FRAME) throw new RangeError(`a frame is larger than ${MAX_FRAME} characters`);
    this.pieces.push(piece);
  }

  private finish(frames: Frame[]): void {
    if (this.id !== null) this.lastId = this.id;
    if (this.data.length > 0) {
      frames.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id });
    } else if (this.id !== null) {
      frames.push({ event: this.event || 'message', data: null, id: this.id });
    }
    this.size = 0;
    this.event = '';
    this.id = null;
    this.data = [];
  }

  private line(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (name === 'event') this.event = value;
    else if (name === 'data') this.data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) {
      const ms = Number(value);
      if (Number.isSafeInteger(ms)) this.retry = ms;
    }
  }
}
