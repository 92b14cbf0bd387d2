// Server-sent events from chunks of text, wherever a chunk ends.

export interface Frame {
  event: string;
  /** Set only where the frame itself carries an id. */
  id: string | null;
  data: string;
}

export class Parser {
  private rest = '';
  private event = '';
  private id: string | null = null;
  private data: string[] = [];

  /** Takes a chunk; gives the frames that it completes. */
  push(chunk: string): Frame[] {
    const frames: Frame[] = [];
    this.rest += chunk;
    let from = 0;
    for (;;) {
      const end = this.rest.indexOf('\n', from);
      if (end < 0) break;
      const line = this.rest.slice(from, this.rest[end - 1] === '\r' && end > from ? end - 1 : end);
      from = end + 1;
      if (line === '') this.finish(frames);
      else this.line(line);
    }
    this.rest = this.rest.slice(from);
    return frames;
  }

  private finish(frames: Frame[]): void {
    if (this.data.length > 0 || this.id !== null) {
      frames.push({ event: this.event || 'message', id: this.id, data: this.data.join('\n') });
    }
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
    else if (name === 'id') this.id = value;
  }
}
