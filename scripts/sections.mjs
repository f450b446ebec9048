// Documents with sections that are made from figures. What is between `<!-- made by SCRIPT: NAME -->` and `<!-- end -->`
// is made; the rest is written.
import * as prettier from 'prettier'

const root = new URL('../', import.meta.url)

/** The document at `path` with each section made anew by the function of its name. */
export async function drawn(script, path, document, sections, figures) {
  let text = document
  for (const [name, make] of Object.entries(sections)) {
    const [begin, end] = [`<!-- made by ${script}: ${name} -->`, '<!-- end -->']
    const from = text.indexOf(begin)
    const to = text.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`${path} has no section ${name}`)
    text = `${text.slice(0, from + begin.length)}\n\n${make(figures)}\n\n${text.slice(to)}`
  }
  return formatted(text, path)
}

/** As prettier wants a file at `path` to look. */
export async function formatted(text, path) {
  const filepath = new URL(path, root).pathname
  return prettier.format(text, { ...(await prettier.resolveConfig(filepath)), filepath })
}

/** The first `left` columns are aligned to the left. */
export function table(head, rows, left = 2) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [head, head.map((_, i) => (i < left ? '---' : '--:')), ...rows].map(line).join('\n')
}
