import { describe, expect, it } from 'vitest';
import { Parser } from './sse';

const STREAM =
  'retry: 2000\n: nexus\n\nid: abc.0\n\nevent: report\nid: abc.1\ndata: {"a":"한글"}\n\nevent: ping\r\ndata: {}\r\n\r\n';

const FRAMES = [
  { event: 'message', id: 'abc.0', data: '' },
  { event: 'report', id: 'abc.1', data: '{"a":"한글"}' },
  { event: 'ping', id: null, data: '{}' },
];

describe('frames of a stream', () => {
  it('come out whole', () => {
    expect(new Parser().push(STREAM)).toEqual(FRAMES);
  });

  it('come out the same wherever a chunk ends', () => {
    for (let cut = 1; cut < STREAM.length; cut += 1) {
      const parser = new Parser();
      expect([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]).toEqual(FRAMES);
    }
  });

  it('wait for their end', () => {
    expect(new Parser().push('event: report\ndata: {"half"')).toEqual([]);
  });
});
