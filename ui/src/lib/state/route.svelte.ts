// Where the person is: `#/page/…`, with `?tenant=org:project` in links that are passed on. What Work
// shows has short addresses of its own: `#/tasks`, `#/task/ID`, `#/ask/ID`, `#/run/ID`.

export interface Place {
  page: 'work' | 'youtube' | 'operations' | 'inbox' | 'account' | 'welcome' | 'sign-in';
  /** `tasks`, `task`, `ask`, `run` on Work; the box on Operations; the token on welcome. */
  part: string | null;
  id: string | null;
  query: URLSearchParams;
}

const PAGES = ['work', 'youtube', 'operations', 'inbox', 'account', 'welcome', 'sign-in'];
const WORK_PARTS = ['tasks', 'task', 'ask', 'run'];

export function parse(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const pieces = path.split('/').map((piece) => {
    try {
      return decodeURIComponent(piece);
    } catch {
      return piece;
    }
  });
  if (WORK_PARTS.includes(pieces[0] ?? '')) pieces.unshift('work');
  const [page = '', part, id] = pieces;
  const known = PAGES.includes(page) ? (page as Place['page']) : 'work';
  return { page: known, part: part || null, id: id || null, query: new URLSearchParams(search) };
}

let place = $state.raw<Place>(parse(location.hash));

addEventListener('hashchange', () => {
  place = parse(location.hash);
});

export const route = {
  get now(): Place {
    return place;
  },
  go(path: string): void {
    if (location.hash === `#${path}`) return;
    location.hash = path;
    // The event comes later; who goes somewhere is there at once.
    place = parse(location.hash);
  },
  /** Without a new entry in the browser's history. */
  replace(path: string): void {
    history.replaceState(null, '', `#${path}`);
    place = parse(location.hash);
  },
};
