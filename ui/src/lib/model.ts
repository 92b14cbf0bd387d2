// What the values of the view hold, as the console reads them. Everything is optional that an older
// or newer server may leave out.

export type Risk = 'GREEN' | 'YELLOW' | 'RED';

export type TaskStatus =
  | 'waiting_approval' | 'queued' | 'running' | 'retrying' | 'succeeded' | 'dead' | 'held'
  | 'alarmed' | 'denied' | 'expired' | 'cancelled';

export interface Marked {
  seq: number;
  done: boolean;
}

export interface Task extends Marked {
  command_type: string;
  status: TaskStatus;
  risk: Risk;
  attempt: number;
  retry_count: number;
  correlation_id: string;
  requested_by: string;
  requested_by_name?: string;
  created_at: string;
  updated_at: string;
  started_at?: string;
  finished_at?: string;
  agent?: string;
  ask_id?: string;
  progress?: number;
  result?: unknown;
  result_elsewhere?: boolean;
  failure_code?: string;
  last_error?: string;
  cancel_requested?: boolean;
}

export type AskStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'superseded' | 'cancelled';

export interface BoundFile {
  path: string;
  size: number;
  sha256: string;
}

export interface Ask extends Marked {
  ask_id: string;
  task_id: string;
  status: AskStatus;
  question: string;
  question_ko: string;
  why: string;
  rule: string;
  risk: Risk;
  command_type: string;
  params?: unknown;
  params_preview?: string;
  params_bytes: number;
  hidden_characters: boolean;
  target?: string;
  digest: string;
  bound: BoundFile[];
  requested_by: string;
  requested_by_name?: string;
  approvers?: string[];
  quorum: number;
  approvals: string[];
  changed?: string;
  correlation_id: string;
  created_at: string;
  expires_at: string;
  decided_at?: string;
  decided_by?: string;
  decided_by_name?: string;
  reason?: string;
}

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface Line {
  seq?: number;
  done?: boolean;
  level: Level;
  agent: string;
  text: string;
  at: string;
  correlation_id: string;
  task_id?: string | null;
}

export type StepState =
  | 'planned' | 'waiting_approval' | 'running' | 'succeeded' | 'failed' | 'denied' | 'expired'
  | 'cancelled' | 'skipped';

export interface Step {
  step?: number;
  command_type: string;
  params?: string;
  state: StepState;
  risk?: Risk;
  task_id?: string;
  ask_id?: string;
  started_at?: string;
  finished_at?: string;
  failure_code?: string;
  error?: string;
}

export type RunState =
  | 'planned' | 'running' | 'waiting_approval' | 'paused' | 'cancelling' | 'succeeded' | 'failed'
  | 'cancelled' | 'denied' | 'expired';

export interface Run extends Marked {
  goal: string;
  state: RunState;
  steps: Step[];
  cost_usd?: number;
  elapsed_seconds?: number;
  summary?: string;
  session_id?: string;
  task_id?: string;
  correlation_id: string;
  requested_by: string;
  requested_by_name?: string;
  created_at: string;
  updated_at?: string;
  deadline_at?: string;
  finished_at?: string;
}

export interface Video {
  item_id: string;
  video_id: string;
  title?: string;
  url: string;
  added_by: string;
  added_by_name?: string;
  added_at: string;
}

export interface NowPlaying {
  item: Video | null;
  since: string;
}

/** `system/tenant`. */
export interface TenantState {
  paused?: boolean;
  by?: string;
  by_name?: string;
  at?: string;
}
