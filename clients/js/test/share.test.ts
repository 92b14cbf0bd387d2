// Several tabs of a browser, and one stream.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SharedStream } from '../src/share.ts';
import { Channel, browser } from './browser.ts';
import { Server, accepted, ping, report, snapshot } from './server.ts';

let server: Server;

/** A tab: its stream, its channel, and the reports that it was handed. */
interface Tab {
  stream: SharedStream;
  channel: Channel;
  reports: string[];
}

let tabs: Tab[];

function tab(): Tab {
  const reports: string[] = [];
  const stream = new SharedStream({
    name: 'someone a:b',
    open: server.open,
    onTaken: (taken) => {
      if (taken.kind === 'report') reports.push(taken.report.cursor);
    },
    onState: () => {},
  });
  const made = { stream, channel: Channel.last, reports };
  tabs.push(made);
  return made;
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const ids = ({ stream }: Tab) => [...stream.feed.view.tasks.keys()];
const leaders = () => tabs.map(({ stream }) => stream.leading);

beforeEach(() => {
  vi.useFakeTimers();
  browser();
  server = new Server();
  tabs = [];
});

afterEach(() => {
  for (const { stream } of tabs) stream.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('one tab has the connection, and the others have everything too', async () => {
  server.streams(snapshot('aaaa.1', ['a']));
  const [first, second] = [tab(), tab()];
  await settle();
  server.say(report('aaaa.2'));
  await settle();
  const late = tab();
  await settle();
  server.say(report('aaaa.3'));
  await settle();
  expect(server.opens).toEqual([null]);
  expect(leaders()).toEqual([true, false, false]);
  for (const one of [first, second, late]) expect(ids(one)).toEqual(['a', 't2', 't3']);
  expect(late.reports).toEqual(['aaaa.3']);
});

it('when the tab that leads goes, the next one goes on where it was itself', async () => {
  server.streams(snapshot('aaaa.1')).streams(accepted('aaaa.2'), report('aaaa.3'));
  const [first, second, third] = [tab(), tab(), tab()];
  await settle();
  server.say(report('aaaa.2'));
  await settle();
  first.stream.stop();
  await settle();
  expect(server.opens).toEqual([null, 'aaaa.2']);
  expect(leaders()).toEqual([false, true, false]);
  for (const one of [second, third]) expect(one.reports).toEqual(['aaaa.2', 'aaaa.3']);
});

it('a tab that missed something gets it from the one that leads', async () => {
  server.streams(snapshot('aaaa.1'));
  const [, second] = [tab(), tab()];
  await settle();
  second.channel.frozen = true;
  server.say(report('aaaa.2'), report('aaaa.3'));
  await settle();
  second.channel.frozen = false;
  server.say(report('aaaa.4'), report('aaaa.5'));
  await settle();
  expect(ids(second)).toEqual(['t2', 't3', 't4', 't5']);
  expect(second.stream.feed.cursor).toBe('aaaa.5');
  expect(server.opens).toEqual([null]);
});

it('a tab that leads and is frozen is relieved, and follows when it wakes', async () => {
  server.streams(snapshot('aaaa.1')).streams(accepted('aaaa.1'), report('aaaa.2'));
  const [first, second] = [tab(), tab()];
  await settle();
  first.channel.frozen = true;
  await vi.advanceTimersByTimeAsync(70_000);
  expect(leaders()).toEqual([false, true]);
  expect(server.opens).toEqual([null, 'aaaa.1']);
  first.channel.frozen = false;
  server.say(report('aaaa.3'));
  await vi.advanceTimersByTimeAsync(8_000);
  server.say(ping('aaaa.3'));
  await settle();
  for (const one of [first, second]) expect(ids(one)).toEqual(['t2', 't3']);
  expect(first.stream.leading).toBe(false);
});
