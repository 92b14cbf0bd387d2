// An agent that performs text.word_count: the work; nexus-agent.ts beside it speaks the contract.
import { run, type Json, type Task } from './nexus-agent.ts';

const slowly = Number(process.env['SECONDS_PER_WORD'] ?? 0); // so that there is something to watch

async function count(task: Task): Promise<Json> {
  const words = String(task.params['text']).split(/\s+/u).filter(Boolean);
  const counts = new Map<string, number>();
  for (const [at, word] of words.entries()) {
    await task.wait(slowly);
    const lower = word.toLowerCase();
    counts.set(lower, (counts.get(lower) ?? 0) + 1);
    const done = at + 1;
    if (done % 10 === 0) await task.progress(done / words.length, `${done} of ${words.length} words`);
  }
  const most_common = [...counts].sort(([, a], [, b]) => b - a).slice(0, 3);
  return { words: words.length, different: counts.size, most_common };
}

await run('text.word_count', count, 'word-count');
