// A Postgres database for one server, when the tests are to run on Postgres.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const SERVER = process.env['NEXUS_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

function run(sql: string): void {
  execFileSync('psql', [SERVER, '-Atqc', sql], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export interface Database {
  url: string;
  drop: () => void;
}

/** One if `NEXUS_TEST_ENGINE` says so; `null` means SQLite. */
export function database(): Database | null {
  const engine = process.env['NEXUS_TEST_ENGINE'] ?? 'sqlite';
  if (engine === 'sqlite') return null;
  if (engine !== 'postgres') throw new Error(`NEXUS_TEST_ENGINE is postgres or sqlite, not ${engine}`);
  const name = `nexus_e2e_${randomBytes(6).toString('hex')}`;
  run(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
