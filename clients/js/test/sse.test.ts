// The reader of frames, by the names of the web platform tests whose cases these are.
import { describe, expect, it } from 'vitest';
import { MAX_FRAME, Parser, type Frame } from '../src/sse.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => new Parser().push(bytes(text));
/** The data of every event that is handed out. */
const data = (text: string) => read(text).map((frame) => frame.data).filter((one) => one !== null);

describe('the event-stream format', () => {
  it('format-bom, format-bom-2: one mark at the very start is passed over', () => {
    expect(data('\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n')).toEqual(['1', '3']);
    expect(data('\ufeff\ufeffdata:1\n\ndata:2\n\ndata:3\n\n')).toEqual(['2', '3']);
  });

  it('format-comments: lines with a colon first say nothing, whatever their end', () => {
    const long = 'y'.repeat(2_100);
    expect(data(`data:1\r:\0\n:\r\ndata:2\n:${long}\rdata:3\n:data:no\r:${long}\ndata:4\n\n`)).toEqual(['1\n2\n3\n4']);
  });

  it('format-data-before-final-empty-line: what no blank line ended is dropped', () => {
    expect(data('retry:1000\ndata:first\n\nid:x\ndata:second')).toEqual(['first']);
    expect(data('data:first\n\ndata:second\n')).toEqual(['first']);
  });

  it('format-field-data: empty data is data, and fields need no colon', () => {
    expect(data('data:\n\ndata\ndata\n\ndata:word\n\n')).toEqual(['', '\n', 'word']);
  });

  it('format-field-event, format-field-event-empty: a name holds for one event', () => {
    expect(read('event:a\ndata:x\n\ndata:x\n\nevent:\ndata:x\n\n').map((frame) => frame.event)).toEqual(['a', 'message', 'message']);
  });

  it('format-field-id, -id-2: an id stays until another one comes', () => {
    const parser = new Parser();
    const ids = ['id: 1\ndata:a\n\n', 'data:b\n\n', 'id\ndata:c\n\n', 'id:2\n\n', ':\n\n'].map((text) => {
      parser.push(bytes(text));
      return parser.lastId;
    });
    expect(ids).toEqual(['1', '1', '', '2', '2']);
  });

  it('format-field-id-3: an id without data is no event, and counts when its frame has ended', () => {
    const parser = new Parser();
    expect(parser.push(bytes('id: e.1\n'))).toEqual([]);
    expect(parser.lastId).toBe('');
    expect(parser.push(bytes('\n'))).toEqual([{ event: 'message', data: null, id: 'e.1' }]);
    expect(parser.lastId).toBe('e.1');
  });

  it('format-field-id-null: an id with NUL is ignored', () => {
    for (const bad of ['\0', 'a\0', '\0a', '\0\0']) {
      expect(read(`id:kept\nid:${bad}\ndata:x\n\n`)).toEqual([{ event: 'message', data: 'x', id: 'kept' }]);
    }
  });

  it('format-field-parsing: only exact names are fields, and one space is taken off', () => {
    const text = 'data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n';
    expect(data(text)).toEqual(['\0\n 2\n1\n3\n\n4']);
    expect(data('data:word\n data\ndata\nother:x\njust words\n\n')).toEqual(['word\n']);
    expect(data('data:\ttab\rdata: \ndata:word\n\n')).toEqual(['\ttab\n\nword']);
  });

  it('format-field-retry, -retry-bogus: digits and nothing else', () => {
    const parser = new Parser();
    expect(parser.retry).toBeNull();
    for (const [text, ms] of [['1500', 1500], ['1000x', 1500], ['-1', 1500], ['', 1500], ['1e3', 1500], ['9'.repeat(30), 1500], [' 3', 3], ['٣', 3]] as const) {
      parser.push(bytes(`retry:${text}\n`));
      expect(parser.retry, text).toBe(ms);
    }
  });

  it('format-newlines: CR, LF and CRLF end lines alike', () => {
    expect(data('data:word\r\ndata\ndata:word\r\n\r\n')).toEqual(['word\n\nword']);
    expect(data('data:1\r\rdata:2\n\ndata:3\r\n\r\n')).toEqual(['1', '2', '3']);
  });

  it('format-null-character, format-utf-8: text is UTF-8, whatever stands in it', () => {
    expect(data('data:\0\n\n\n\n')).toEqual(['\0']);
    expect(data('data:한글 \u2028 …\n\n')).toEqual(['한글 \u2028 …']);
    expect(new Parser().push(new Uint8Array([...bytes('data:a'), 0xff, ...bytes('b\n\n')]))[0]?.data).toBe('a\ufffdb');
  });
});

describe('chunks', () => {
  const STREAM = bytes('\ufeffretry: 2000\r\n: hi\r\n\r\nid: aaaa.0\n\nevent: report\nid: aaaa.1\r\ndata: {"a":"한글"}\rdata: …\n\n\revent: ping\r\ndata: {}\r\n\r\n');
  const FRAMES: Frame[] = [
    { event: 'message', data: null, id: 'aaaa.0' },
    { event: 'report', data: '{"a":"한글"}\n…', id: 'aaaa.1' },
    { event: 'ping', data: '{}', id: null },
  ];

  it('may end at every byte', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const parser = new Parser();
      const frames = [STREAM.subarray(0, cut), STREAM.subarray(cut)].flatMap((chunk) => parser.push(chunk));
      expect(frames, `cut at ${cut}`).toEqual(FRAMES);
      expect([parser.retry, parser.lastId]).toEqual([2000, 'aaaa.1']);
    }
  });

  it('may be single bytes', () => {
    const parser = new Parser();
    expect([...STREAM].flatMap((byte) => parser.push(Uint8Array.of(byte)))).toEqual(FRAMES);
  });

  it('may be many for one line, and not without end', () => {
    const parser = new Parser();
    const chunk = new Uint8Array(1 << 20).fill(0x78);
    parser.push(bytes('data:'));
    const count = MAX_FRAME / chunk.length;
    for (let i = 0; i + 1 < count; i += 1) parser.push(chunk);
    expect(() => parser.push(chunk)).toThrow(RangeError);
    // Nor many lines of one frame.
    const lines = new Parser();
    expect(() => { for (;;) lines.push(bytes(`data:${'x'.repeat(1 << 20)}\n`)); }).toThrow(RangeError);
  });
});
