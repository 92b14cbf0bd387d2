import { expect, it } from 'vitest';
import { blocks } from './runbook';

it('reads what a runbook is written with', () => {
  const page = [
    '# EFFECT_UNKNOWN: 전송되었는지 알 수 없습니다', '', '## 확인', '', '```sh', 'nexus task show TASK_ID', '```', '',
    '- 먼저 `webhook-id`를 **반드시** 보세요.', '', '자세한 것은 [명령줄](../../cli.md)에.', '', '## 링크', '', '- [명령줄](../../cli.md)', '',
  ].join('\n');
  expect(blocks(page)).toEqual([
    { kind: 'heading', text: '확인' },
    { kind: 'code', text: 'nexus task show TASK_ID' },
    { kind: 'item', spans: [
      { text: '먼저 ', kind: 'plain' }, { text: 'webhook-id', kind: 'code' }, { text: '를 ', kind: 'plain' },
      { text: '반드시', kind: 'strong' }, { text: ' 보세요.', kind: 'plain' },
    ] },
    { kind: 'text', spans: [{ text: '자세한 것은 명령줄에.', kind: 'plain' }] },
  ]);
});

it('makes nothing of what it does not know', () => {
  const page = '## Fix\n\n<img src=x onerror=alert(1)> **open `also open\n```\nno end';
  expect(blocks(page)).toEqual([
    { kind: 'heading', text: 'Fix' },
    { kind: 'text', spans: [{ text: '<img src=x onerror=alert(1)> **open `also open', kind: 'plain' }] },
    { kind: 'code', text: 'no end' },
  ]);
  expect(blocks('')).toEqual([]);
});

const pages = import.meta.glob<string>('../../../../docs/runbooks/*/*.md', { query: '?raw', import: 'default', eager: true });

it('leaves no mark of Markdown in any runbook', () => {
  expect(Object.keys(pages).length).toBeGreaterThan(40);
  for (const [name, page] of Object.entries(pages)) {
    const found = blocks(page);
    expect(found.filter((block) => block.kind === 'heading'), name).toHaveLength(5);
    const plain = found.flatMap((block) => ('spans' in block ? block.spans : [])).filter((span) => span.kind === 'plain');
    for (const { text } of plain) expect(text, name).not.toMatch(/\]\(|\*\*|`/);
  }
});
