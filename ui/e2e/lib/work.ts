// Things that happen at a server while somebody looks.
import type { Tab } from './browser';
import type { Server } from './server';
import { until } from './until';

/** Says something that becomes a run with lines of its own. */
export async function busy(server: Server, n: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < n; i += 1) {
    ids.push(await server.command('chat.message', { text: `/유튜브 목록\n/file write ${i}.txt 안녕 ${i}` }));
  }
  return ids;
}

/** What the page holds of runs and tasks is what the server's view has. */
export async function agrees(server: Server, tab: Tab): Promise<void> {
  await until('runs and tasks of the page are those of the server', async () => {
    const view = await server.view();
    const drawn = await tab.rendered();
    const runs = Object.keys(view['autopilot'] ?? {});
    const missing = runs.filter((id) => !drawn.includes(id));
    if (missing.length > 0) throw new Error(`missing ${missing.join()}`);
    return true;
  });
  await tab.complete();
}
