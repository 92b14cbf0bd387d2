// For work on the console: `npm run dev` serves the page with a NEXUS behind it.
//
//   NEXUS_DEV_URL   the server to pass requests on to (default http://127.0.0.1:8000)
//   NEXUS_DEV_KEY   an API key to send along; then sign-in is played here, and nobody has to
//                   sign in. Without it everything, cookies included, is the server's.
//   NEXUS_DEV_ROLE  the role that the played sign-in has (default admin)
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';

const url = process.env['NEXUS_DEV_URL'] ?? 'http://127.0.0.1:8000';
const key = process.env['NEXUS_DEV_KEY'];
const PATHS = ['/auth', '/me', '/users', '/agent', '/approvals', '/commands', '/openapi.json', '/sidecar', '/tasks', '/tenant', '/worklog',
  '/dlq', '/hold', '/alarm', '/operations', '/alerts', '/runbooks'];

function played() {
  const role = process.env['NEXUS_DEV_ROLE'] ?? 'admin';
  const until = new Date(Date.now() + 43_200_000).toISOString();
  return {
    user: { user_id: 'usr_dev', email: 'dev@example.com', name: 'Dev' },
    session: { session_id: 'ses_dev', expires_at: until },
    csrf_token: 'dev',
    memberships: [{ org_id: 'default', project_id: 'default', title: 'Default', role, paused: false }],
  };
}

function answer(response: ServerResponse, status: number, body?: unknown): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(body === undefined ? '' : JSON.stringify(body));
}

async function inbox(): Promise<unknown> {
  const headers = { 'x-api-key': key ?? '', 'x-org-id': 'default', 'x-project-id': 'default' };
  const page = (await (await fetch(`${url}/approvals?status=pending`, { headers })).json()) as { items: object[] };
  const of = { org_id: 'default', project_id: 'default', kind: 'ask', may_decide: true };
  return { items: page.items.map((ask) => ({ ...of, ...ask })) };
}

function play(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const path = (request.url ?? '').split('?')[0];
  if (path === '/me' || path === '/auth/login' || path === '/auth/redeem') return answer(response, 200, played());
  if (path === '/me/inbox') return void inbox().then((found) => answer(response, 200, found));
  if (path === '/auth/logout') return answer(response, 204);
  if (path === '/auth/sessions') return answer(response, 200, { sessions: [] });
  next();
}

export function devServer(): Plugin {
  return {
    name: 'nexus-dev-server',
    apply: 'serve',
    config: () => ({
      server: {
        proxy: Object.fromEntries(PATHS.map((path) => [path, {
          target: url,
          changeOrigin: true,
          // The server takes writes from pages of its own origin only.
          headers: { origin: url, ...(key ? { 'x-api-key': key } : {}) },
        }])),
      },
    }),
    configureServer(server) {
      if (key) server.middlewares.use(play);
    },
  };
}
