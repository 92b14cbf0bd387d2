// The last step of the build: everything that Vite made becomes one HTML file without a single
// reference to another one. The server hashes the inline script and style for its CSP.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Plugin } from 'vite';

/** What ends an element early must not stand in it. */
function inert(code: string, element: 'script' | 'style'): string {
  return code.replaceAll(`</${element}`, `<\\/${element}`).replaceAll('<!--', '<\\!--');
}

export function singleFile(target: string): Plugin {
  return {
    name: 'nexus-single-file',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      let html = '';
      let script = '';
      let style = '';
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === 'chunk') script += part.code;
        else if (name.endsWith('.css')) style += part.source;
        else if (name.endsWith('.html')) html = String(part.source);
        else throw new Error(`${name} would be a second file`);
      }
      html = html
        .replace(/\s*<script type="module"[^>]*><\/script>/, '')
        .replace(/\s*<link rel="stylesheet"[^>]*>/, '');
      if (/<(script|link rel="(?!icon))/.test(html)) throw new Error('something refers elsewhere');
      // Functions, because `$` in code would mean something in a replacement string.
      html = html
        .replace('</head>', () => `<style>${inert(style.trim(), 'style')}</style>\n  </head>`)
        .replace('</body>', () => `<script type="module">${inert(script.trim(), 'script')}</script>\n  </body>`);
      const file = resolve(import.meta.dirname, '..', target);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, html);
    },
  };
}
